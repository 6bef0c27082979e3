/**
 * Confluence makes the frame of a page as tall as its document and scrolls the window, so inside the frame
 * nothing sticks to the edge of the screen by itself. This keeps, on the root element, what page.css needs for
 * that, in px from the top of the frame: `--visible-top` and `--visible-height`. A frame that scrolls itself is
 * visible as a whole.
 */

/** Height of Confluence's top bar in px: it lies over the top of the window, which a frame cannot see (unverified). */
const TOP_BAR = 56;
/** How far each way, in px, a probe reaches from its edge; the browser reports every px of it. */
const PROBE_REACH = 128;
/** The frame and the window scroll in separate processes: a report may be older than a jump, and then both probes are out of sight. */
const LOOK_AGAIN_MS = 250;

/** The part of the frame that is on the screen, in px from the top of the frame. */
interface Part {
  top: number;
  bottom: number;
}

/** Starts following the visible part of the frame, for as long as the page lives. */
export function followVisibleArea(): void {
  const frame = document.createElement('div');
  frame.className = 'visible-area';
  const probes = [document.createElement('div'), document.createElement('div')] as const;
  for (const probe of probes) probe.style.height = `${2 * PROBE_REACH}px`;
  frame.append(...probes);
  document.body.append(frame);

  // The browser reports which part of an element is visible, across origins too, but only when the visible share
  // changes, and scrolling along a tall frame does not change it. So a probe lies across each edge of the visible
  // part: half of it is visible, and scrolling by one px changes that.
  const measure = new IntersectionObserver((entries) => {
    const { isIntersecting, intersectionRect } = entries.at(-1) as IntersectionObserverEntry;
    if (!isIntersecting || intersectionRect.height === 0) return;
    publish(intersectionRect);
    place(probes, intersectionRect);
  });
  const look = (): void => {
    // An element newly observed is reported at once, whatever its share.
    measure.unobserve(frame);
    measure.observe(frame);
  };
  const thresholds = Array.from({ length: 2 * PROBE_REACH + 1 }, (_, px) => px / (2 * PROBE_REACH));
  const edges = new IntersectionObserver(look, { threshold: thresholds });
  for (const probe of probes) edges.observe(probe);
  new ResizeObserver(look).observe(frame);
  setInterval(look, LOOK_AGAIN_MS);
}

function publish({ top, bottom }: Part): void {
  const covered = Math.min(top, TOP_BAR);
  const { style } = document.documentElement;
  style.setProperty('--visible-top', `${top + covered}px`);
  style.setProperty('--visible-height', `${Math.max(0, bottom - top - covered)}px`);
}

function place([upper, lower]: readonly [HTMLElement, HTMLElement], { top, bottom }: Part): void {
  upper.style.top = `${top - PROBE_REACH}px`;
  lower.style.top = `${bottom - PROBE_REACH}px`;
}
