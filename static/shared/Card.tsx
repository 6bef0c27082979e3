/** A card that is a landmark, named by its heading. */
import Heading from '@atlaskit/heading';
import type { ReactNode } from 'react';

export function Card({ id, heading, children }: { id: string; heading: string; children: ReactNode }) {
  return (
    <section className="card stack" aria-labelledby={id}>
      <div id={id}>
        <Heading size="small" as="h2">
          {heading}
        </Heading>
      </div>
      {children}
    </section>
  );
}
