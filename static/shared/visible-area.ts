/**
 * Confluence makes the frame of a page as high as its content, and scrolls around it: inside, `position: sticky`
 * and `fixed` have nothing to hold on to. What part of the frame is in sight is told by an IntersectionObserver,
 * which looks at the window of the whole page even from a frame of another origin.
 *
 * Elements with `data-in-sight="top"` or `"bottom"` are moved within their parent so that they stay in sight, as
 * sticky ones would. Dialogs use `--visible-top` and `--visible-height` (page.css).
 */

/** The page is covered by invisible pieces; each tells when a hundredth more or less of it is in sight. */
const PIECE_PX = 400;
const THRESHOLDS = Array.from({ length: 101 }, (_, i) => i / 100);
/** Between an element that is kept in sight and the edge. */
const GAP_PX = { top: 16, bottom: 0 };

export function followVisibleArea(): void {
  const page = document.documentElement;
  const cover = document.createElement('div');
  cover.className = 'visible-area';
  cover.setAttribute('aria-hidden', 'true');
  document.body.append(cover);
  const inSight = new Map<Element, DOMRectReadOnly>();

  const place = (): void => {
    if (inSight.size === 0) return;
    const rects = [...inSight.values()];
    const top = Math.min(...rects.map((rect) => rect.top));
    const bottom = Math.max(...rects.map((rect) => rect.bottom));
    page.style.setProperty('--visible-top', `${Math.round(top)}px`);
    page.style.setProperty('--visible-height', `${Math.round(bottom - top)}px`);
    for (const element of document.querySelectorAll<HTMLElement>('[data-in-sight]')) {
      keepInSight(element, top + window.scrollY, bottom + window.scrollY);
    }
  };
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting, intersectionRect } of entries) {
        if (isIntersecting) inSight.set(target, intersectionRect);
        else inSight.delete(target);
      }
      place();
    },
    { threshold: THRESHOLDS },
  );

  const coverPage = (): void => {
    const pieces = Math.ceil(Math.max(page.getBoundingClientRect().height, window.innerHeight) / PIECE_PX);
    while (cover.childElementCount > pieces) {
      const last = cover.lastElementChild as Element;
      observer.unobserve(last);
      inSight.delete(last);
      last.remove();
    }
    while (cover.childElementCount < pieces) {
      const piece = document.createElement('div');
      cover.append(piece);
      observer.observe(piece);
    }
    place();
  };
  new ResizeObserver(coverPage).observe(page);
  window.addEventListener('resize', coverPage);
}

/** Moves the element from where it stands in the page towards the part in sight, no farther than its parent reaches. */
function keepInSight(element: HTMLElement, visibleTop: number, visibleBottom: number): void {
  const parent = element.parentElement;
  if (!parent) return;
  const [top, height] = [offsetInPage(element), element.offsetHeight];
  const room = offsetInPage(parent) + parent.offsetHeight - (top + height);
  const shift =
    element.dataset.inSight === 'top'
      ? Math.min(Math.max(0, visibleTop + GAP_PX.top - top), Math.max(0, room))
      : Math.max(Math.min(0, visibleBottom - GAP_PX.bottom - (top + height)), Math.min(0, offsetInPage(parent) - top));
  element.style.transform = shift === 0 ? '' : `translateY(${shift}px)`;
}

/** Where the element stands in the page, whatever it has been moved by. */
function offsetInPage(element: HTMLElement): number {
  let offset = 0;
  for (let node: HTMLElement | null = element; node; node = node.offsetParent as HTMLElement | null) offset += node.offsetTop;
  return offset;
}
