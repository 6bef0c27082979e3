/** Styles of the local site's own pages, based on Atlassian's design tokens. */
export const STYLE = `
:root { --strip-height: 40px; --bar-height: 48px; --top: calc(var(--strip-height) + var(--bar-height)); --sidebar-width: 256px; --content-left: var(--sidebar-width); }
* { box-sizing: border-box; }
html { scroll-padding-top: calc(var(--top) + 16px); }
body { margin: 0; font: var(--ds-font-body); color: var(--ds-text); background: var(--ds-surface); }
body.around-nothing, body.sidebar-away { --content-left: 0px; }
a { color: var(--ds-link); text-decoration: none; } a:hover { text-decoration: underline; }
p a, article a { text-decoration: underline; }
h1 { font: var(--ds-font-heading-large); margin: 0 0 16px; } h2 { font: var(--ds-font-heading-medium); margin: 24px 0 8px; } h3 { font: var(--ds-font-heading-small); margin: 16px 0 8px; }
p { margin: 0 0 12px; } hr { border: 0; border-top: 1px solid var(--ds-border); margin: 12px 0; }
:focus-visible { outline: 2px solid var(--ds-border-focused); outline-offset: 2px; }
main:focus-visible { outline: none; }
.icon { flex: none; vertical-align: -3px; } .grow { flex: 1; min-width: 0; } .small { font: var(--ds-font-body-small); } .subtle { color: var(--ds-text-subtle); }
.hidden-text { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: fixed; left: 16px; top: -80px; z-index: 30; background: var(--ds-surface-overlay); padding: 8px 12px; border-radius: 6px; box-shadow: var(--ds-shadow-overlay); } .skip:focus { top: 4px; }
.plain { list-style: none; margin: 0; padding: 0; } .row { display: flex; gap: 8px; align-items: center; margin: 0; }
button, input, select, textarea { font: inherit; color: inherit; }
.button { display: inline-flex; align-items: center; gap: 6px; min-height: 32px; padding: 4px 12px; border: 1px solid var(--ds-border); border-radius: 6px; background: transparent; color: var(--ds-text-subtle); font-weight: 500; cursor: pointer; white-space: nowrap; text-decoration: none; }
.button:hover { background: var(--ds-background-neutral-subtle-hovered); text-decoration: none; }
.button.primary { border-color: transparent; background: var(--ds-background-brand-bold); color: var(--ds-text-inverse); } .button.primary:hover { background: var(--ds-background-brand-bold-hovered); }
.link-button { border: 0; padding: 0; background: none; color: var(--ds-link); cursor: pointer; } .link-button:hover { text-decoration: underline; }
.icon-button { display: inline-flex; align-items: center; justify-content: center; width: 32px; height: 32px; padding: 0; border: 0; border-radius: 6px; background: transparent; color: var(--ds-text-subtle); cursor: pointer; flex: none; }
.icon-button:hover, .icon-button[aria-expanded="true"]:not(#sidebar-toggle) { background: var(--ds-background-neutral-subtle-hovered); }
input:not([type="checkbox"]), select, textarea { min-height: 32px; padding: 4px 8px; border: 1px solid var(--ds-border-input); border-radius: 6px; background: var(--ds-background-input); width: 100%; }
select { width: auto; } textarea { resize: vertical; }
.search-field { position: relative; display: flex; align-items: center; width: 100%; max-width: 320px; margin: 0; } .search-field.wide { max-width: 560px; }
.search-field .icon { position: absolute; left: 9px; color: var(--ds-icon-subtle); pointer-events: none; } .search-field input { padding-left: 32px; }
::placeholder { color: var(--ds-text-subtlest); opacity: 1; }
.avatar { display: inline-flex; align-items: center; justify-content: center; flex: none; border-radius: 50%; width: 24px; height: 24px; font: 700 10px/1 var(--ds-font-family-body); }
.avatar-square { border-radius: 6px; } .avatar-tiny { width: 16px; height: 16px; font-size: 7px; border-radius: 4px; } .avatar-tiny:not(.avatar-square) { border-radius: 50%; } .avatar-small { width: 20px; height: 20px; font-size: 8px; } .avatar-large { width: 40px; height: 40px; font-size: 16px; }
${['purple', 'blue', 'teal', 'green', 'orange', 'yellow', 'gray']
  .map((c) => `.avatar-${c} { background: var(--ds-background-accent-${c}-subtler); color: var(--ds-text-accent-${c}-bolder); }`)
  .join('\n')}
.tag { display: inline-flex; align-items: center; gap: 4px; font: var(--ds-font-body-small); border: 1px solid var(--ds-border); border-radius: 4px; padding: 0 6px; color: var(--ds-text-subtle); white-space: nowrap; }

.strip { position: sticky; top: 0; z-index: 12; display: flex; align-items: center; gap: 12px; height: var(--strip-height); padding: 0 16px; white-space: nowrap; font: var(--ds-font-body-small); color: var(--ds-text-accent-purple-bolder); background: var(--ds-background-accent-purple-subtlest); border-bottom: 2px solid var(--ds-border-accent-purple); }
.strip-name { font-weight: 700; color: inherit; padding-right: 12px; border-right: 1px solid var(--ds-border-accent-purple); } .strip-name .icon, .strip-clock .icon { margin-right: 2px; }
.strip form { margin: 0; } .strip-actions { display: flex; gap: 12px; margin-left: auto; } .strip-narrow { margin-left: auto; }
.strip-button { display: inline-flex; align-items: center; gap: 4px; height: 24px; padding: 0 8px; border: 1px solid var(--ds-border-accent-purple); border-radius: 4px; background: transparent; color: var(--ds-text-accent-purple-bolder); font: var(--ds-font-body-small); font-weight: 500; cursor: pointer; }
.strip-button:hover { background: var(--ds-background-accent-purple-subtlest-hovered); } .strip-button[aria-busy="true"] { opacity: 0.6; }
.clock-form { display: flex; } .clock-form .strip-button { border-radius: 0; } .clock-form .strip-button + .strip-button { border-left: 0; } .clock-form .strip-button:first-child { border-radius: 4px 0 0 4px; } .clock-form .strip-button:last-child { border-radius: 0 4px 4px 0; }
.strip-button:focus-visible { position: relative; z-index: 1; }

.panel { position: fixed; inset: calc(var(--strip-height) + 8px) 16px auto auto; margin: 0; width: 400px; max-width: calc(100vw - 32px); max-height: calc(100vh - 64px); overflow: auto; padding: 16px; border: 0; border-radius: 8px; background: var(--ds-surface-overlay); color: var(--ds-text); box-shadow: var(--ds-shadow-overlay); white-space: normal; font: var(--ds-font-body); }
.panel-small { width: 280px; } #bell-panel, #profile-panel { top: calc(var(--top) + 4px); }
.panel h2 { font: var(--ds-font-heading-small); margin: 0 0 12px; }
.strip-menu { width: 240px; } .strip-menu:popover-open { display: grid; gap: 8px; } .strip-menu .strip-button { height: 32px; width: 100%; padding: 0 12px; font: var(--ds-font-body); } .strip-menu .clock-form .strip-button { justify-content: center; padding: 0 4px; font: var(--ds-font-body-small); }
.panel-foot { display: flex; justify-content: space-between; border-top: 1px solid var(--ds-border); margin-top: 12px; padding-top: 12px; } .panel-foot form { margin: 0; }
.steps { list-style: none; margin: 0; padding: 0; display: grid; gap: 10px; } .steps li { display: flex; gap: 10px; } .steps .icon { margin-top: 2px; } .steps .done { color: var(--ds-text-subtle); } .steps .done .icon { color: var(--ds-icon-success); }
.people-list li { display: flex; align-items: center; gap: 12px; padding: 8px 0; border-bottom: 1px solid var(--ds-border); } .panel .people-list { margin-top: 8px; } .panel .people-list li:last-child { border-bottom: 0; } .people-list .name, .people-list .small { display: block; overflow-wrap: anywhere; }
.mail { display: flex; gap: 12px; align-items: baseline; padding: 8px 0; } .mail > span { flex: 1; }
.profile { display: flex; gap: 12px; align-items: center; } .panel form { margin: 0; } .panel .search-field { max-width: none; }

.top-bar { position: sticky; top: var(--strip-height); z-index: 11; display: flex; align-items: center; gap: 4px; height: var(--bar-height); padding: 0 12px; background: var(--ds-surface); border-bottom: 1px solid var(--ds-border); }
.brand { display: flex; align-items: center; gap: 8px; margin-left: 6px; font-weight: 600; color: var(--ds-text); } .brand:hover { text-decoration: none; }
.mark { display: inline-flex; align-items: center; justify-content: center; width: 24px; height: 24px; border-radius: 6px; color: var(--ds-icon-accent-blue); background: var(--ds-background-accent-blue-subtler); }
.top-middle { display: flex; justify-content: center; gap: 8px; flex: 1; min-width: 0; padding: 0 16px; } .top-middle .search-field { max-width: 380px; }
.sidebar { position: fixed; z-index: 10; top: var(--top); bottom: 0; left: 0; width: var(--sidebar-width); overflow-y: auto; padding: 12px; background: var(--ds-surface); border-right: 1px solid var(--ds-border); }
.sidebar-away .sidebar { display: none; }
.sidebar ul { list-style: none; margin: 0; padding: 0; }
.nav-link { position: relative; display: flex; align-items: center; gap: 10px; min-height: 32px; margin-bottom: 2px; padding: 4px 8px; border-radius: 6px; color: var(--ds-text-subtle); font-weight: 500; } .nav-link span:last-child { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.nav-link:hover { background: var(--ds-background-neutral-subtle-hovered); text-decoration: none; } .nav-second { padding-left: 30px; font-weight: 400; } .nav-third { padding-left: 48px; font-weight: 400; }
.nav-link[aria-current] { background: var(--ds-background-selected); color: var(--ds-text-selected); } .nav-link[aria-current]::before { content: ""; position: absolute; left: 0; top: 10px; bottom: 10px; width: 2px; border-radius: 1px; background: var(--ds-border-selected); }
.nav-heading { display: flex; align-items: center; gap: 10px; min-height: 32px; margin: 4px 0 0; padding: 4px 8px; font: var(--ds-font-body); font-weight: 500; color: var(--ds-text-subtle); } .nav-heading.small { font: var(--ds-font-body-small); font-weight: 600; margin-top: 8px; min-height: 24px; }
.sidebar-title { font-weight: 600; padding: 8px; margin: 0; }

main { display: block; margin-left: var(--content-left); min-height: calc(100vh - var(--top)); padding-bottom: 48px; }
body.around-nothing main { min-height: calc(100vh - var(--strip-height)); }
main:has(.app-frame) { padding: 0; }
body:has(.flag) main:not(:has(.app-frame)) { padding-bottom: 240px; }
.app-frame { display: block; border: 0; width: 100%; }
.background-script { display: none; }
.column { max-width: 760px; margin: 0 auto; padding: 32px; } .column.wide { max-width: 1200px; margin: 0; } .around-nothing .column { padding-top: 48px; }
.page-bar { display: flex; align-items: center; gap: 8px; min-height: 48px; padding: 8px 24px; } .crumbs { display: flex; align-items: center; gap: 8px; min-width: 0; font: var(--ds-font-body-small); color: var(--ds-text-subtle); } .crumbs a { color: inherit; } .crumbs > * { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; } .crumbs > .avatar { overflow: visible; }
.page { max-width: 824px; padding: 24px 16px 32px 64px; } .page > h1 { font: var(--ds-font-heading-xlarge); margin-bottom: 8px; overflow-wrap: anywhere; }
.byline { display: flex; align-items: center; gap: 8px; font: var(--ds-font-body-small); color: var(--ds-text-subtle); margin-bottom: 24px; }
article, .comment { font: var(--ds-font-body-large); overflow-wrap: anywhere; } article ul, article ol { margin: 0 0 12px; padding-left: 24px; }
article table { width: auto; min-width: 60%; } article em:only-child { color: var(--ds-text-subtlest); }
.macro { border: 1px solid var(--ds-border); border-radius: 8px; padding: 8px 16px; margin: 12px 0; background: var(--ds-background-neutral-subtle); } .macro small { color: var(--ds-text-subtle); }
.comments { margin-top: 40px; border-top: 1px solid var(--ds-border); } .comment { display: flex; gap: 12px; margin: 16px 0; font: var(--ds-font-body); } .comment p { margin: 4px 0 0; }
.column > .search-field { margin-bottom: 12px; }
.form { display: grid; gap: 16px; } .form label { display: grid; gap: 4px; font-weight: 500; } .form label > * { font-weight: 400; } .form textarea { padding: 8px; } .form select { width: 100%; }
.page-list li { display: flex; align-items: center; gap: 12px; padding: 8px 0; border-bottom: 1px solid var(--ds-border); } .page-list a, .page-list .grow .small { display: block; overflow-wrap: anywhere; }
.table-box { overflow-x: auto; margin: 0; } table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: 8px; border-bottom: 1px solid var(--ds-border); } thead th { font: var(--ds-font-body-small); font-weight: 600; color: var(--ds-text-subtle); border-bottom-width: 2px; white-space: nowrap; } article th { font: var(--ds-font-body-small); font-weight: 600; color: var(--ds-text-subtle); }
.space-link { display: inline-flex; align-items: center; gap: 8px; } .filters { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; margin: 0 0 16px; } .pager { display: flex; gap: 16px; margin-top: 16px; }

.first-page { max-width: 1120px; margin: 0 auto; padding: 48px 32px; } .first-page h1 { font: var(--ds-font-heading-xlarge); margin-bottom: 8px; } .lead { font: var(--ds-font-body-large); color: var(--ds-text-subtle); max-width: 760px; margin-bottom: 32px; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(280px, 1fr)); gap: 24px; } .card { display: flex; flex-direction: column; border: 1px solid var(--ds-border); border-radius: 12px; padding: 24px; background: var(--ds-surface); max-width: 540px; }
.card-head { display: flex; gap: 12px; min-height: 84px; } .card-head h2 { margin: 0; } .card-head p { margin: 0; } .card h3 { font: var(--ds-font-body); font-weight: 700; margin: 4px 0 8px; } .card ol { margin: 0 0 16px; padding-left: 20px; display: grid; gap: 6px; } .card ol li::marker { color: var(--ds-text-subtlest); } .card form { margin: auto 0 0; }
.first-foot { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 16px; border-top: 1px solid var(--ds-border); margin-top: 32px; padding-top: 24px; } .first-foot p { margin: 0; } .first-foot .search-field { max-width: 240px; }

#flags { position: fixed; left: calc(var(--content-left) + 24px); bottom: 24px; width: 400px; max-width: calc(100vw - var(--content-left) - 48px); display: grid; gap: 8px; z-index: 9; }
.flag { position: relative; background: var(--ds-surface-overlay); box-shadow: var(--ds-shadow-overlay); border-radius: 8px; padding: 16px 48px 16px 16px; }
.flag h2 { font: var(--ds-font-heading-xsmall); margin: 0 0 4px; } .flag p { margin: 0 0 12px; } .flag .row { gap: 16px; flex-wrap: wrap; }
.flag .row > button { border: 0; background: none; color: var(--ds-link); padding: 0; font-weight: 500; cursor: pointer; } .flag .row > button:hover { text-decoration: underline; }
.flag-close { position: absolute; top: 8px; right: 8px; width: 32px; height: 32px; border: 0; border-radius: 6px; background: none; color: var(--ds-icon-subtle); cursor: pointer; } .flag-close:hover { background: var(--ds-background-neutral-subtle-hovered); }
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
