/** Style of the local site's own pages, on Atlassian's tokens. */
export const STYLE = `
:root { --strip-height: 40px; --bar-height: 48px; --top: calc(var(--strip-height) + var(--bar-height)); --sidebar-width: 256px; --content-left: var(--sidebar-width); }
* { box-sizing: border-box; }
html { scroll-padding-top: calc(var(--top) + 16px); }
body { margin: 0; font: var(--ds-font-body); color: var(--ds-text); background: var(--ds-surface); }
header { display: flex; flex-wrap: wrap; gap: 16px; align-items: center; padding: 8px 24px; border-bottom: 1px solid var(--ds-border); position: sticky; top: 0; background: var(--ds-surface); z-index: 1; }
header nav { display: flex; gap: 16px; flex: 1; flex-wrap: wrap; }
.brand { font: var(--ds-font-heading-small); text-decoration: none; color: var(--ds-text-brand); }
@media (max-width: 900px) { header { gap: 8px; padding: 8px 16px; } header .muted, .brand small { display: none; } }
a { color: var(--ds-link); }
main { padding: 24px; max-width: 1200px; margin: 0 auto; }
main:has(.app-frame) { padding: 0; max-width: none; }
h1 { font: var(--ds-font-heading-large); } h2 { font: var(--ds-font-heading-medium); } h3 { font: var(--ds-font-heading-small); }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: 8px; border-bottom: 1px solid var(--ds-border); }
button, input { font: inherit; padding: 4px 12px; border-radius: 4px; border: 1px solid var(--ds-border-input); background: var(--ds-background-input); color: inherit; }
button { cursor: pointer; } .row { display: flex; gap: 8px; align-items: center; margin: 0; }
.muted { color: var(--ds-text-subtle); } .tag { font: var(--ds-font-body-small); border: 1px solid var(--ds-border); border-radius: 4px; padding: 0 4px; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(280px, 1fr)); gap: 16px; }
.card, .macro { border: 1px solid var(--ds-border); border-radius: 8px; padding: 8px 16px; background: var(--ds-surface-raised); }
.app-frame { border: 0; width: 100%; display: block; }
.background-script { display: none; }
#flags { position: fixed; left: 24px; bottom: 24px; width: 400px; max-width: calc(100vw - 48px); display: grid; gap: 8px; z-index: 10; }
.flag { background: var(--ds-surface-overlay); box-shadow: var(--ds-shadow-overlay); border-radius: 4px; padding: 16px; }
.flag { position: relative; } .flag-close { position: absolute; top: 8px; right: 8px; border: 0; background: none; padding: 4px 8px; color: var(--ds-text-subtle); }
.flag h2 { padding-right: 24px; font: var(--ds-font-heading-xsmall); margin: 0 0 8px; } .flag p { margin: 0 0 8px; color: var(--ds-text-subtle); }
.flag .row button { border: 0; background: none; color: var(--ds-link); padding: 0; } .flag .row { gap: 16px; }
dialog { border: 0; border-radius: 8px; padding: 0; width: 600px; height: 40vh; background: var(--ds-surface-overlay); }

.strip-narrow { display: none; }
@media (max-width: 900px) {
  body { --content-left: 0px; }
  .strip-wide { display: none; } .strip-narrow { display: inline-flex; }
  .sidebar, .sidebar-away .sidebar { display: none; } .sidebar-over .sidebar { display: block; box-shadow: var(--ds-shadow-overlay); }
  .page { padding: 16px 24px 32px; } .column { padding: 24px; } .first-page { padding: 32px 24px; } .card-head { min-height: 0; margin-bottom: 12px; }
}
@media (max-width: 560px) {
  .brand-name, .create-label { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); } .top-middle { padding: 0 4px; } .page-bar { padding: 12px 16px 8px; flex-wrap: wrap; } .page-bar .crumbs { flex-basis: 100%; } .page-bar .grow { display: none; } .page { padding: 8px 16px 32px; } .column { padding: 24px 16px; } .first-page { padding: 24px 16px; }
  #flags { left: 16px; max-width: calc(100vw - 32px); bottom: 16px; } .page-list li > .small { display: none; } .strip { gap: 8px; padding: 0 12px; } .strip-name { padding-right: 8px; }
}
`;
