/** A Custom UI resource, as Forge serves it: with the bridge injected and the CSP that @forge/csp computes. */
import { readFileSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import csp from '@forge/csp';
import * as cheerio from 'cheerio';
import { type Manifest, PROJECT_ROOT } from './manifest';

const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json',
  svg: 'image/svg+xml',
};

/** Absolute path of a file of the resource, or null if it would be outside the resource's folder. */
export function resourceFile(manifest: Manifest, resourceKey: string, path: string): string | null {
  const resource = manifest.resources.find((r) => r.key === resourceKey);
  if (!resource) return null;
  const root = resolve(PROJECT_ROOT, resource.path);
  const file = resolve(root, path);
  return file === root || file.startsWith(root + sep) ? file : null;
}

export function contentType(path: string): string {
  return TYPES[path.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
}

/** Adds the bridge at the top of the page's head, as the platform does. */
export function transformIndex(html: string, bridgeUrl: string): string {
  return html.replace(/<head>/i, `<head><script src="${bridgeUrl}"></script>`);
}

/**
 * The Content-Security-Policy of the page. Two directives differ from production: the host page is
 * local, and there is nowhere to send reports.
 */
export function policyOf(manifest: Manifest, html: string, hostOrigin: string): string {
  const details = new csp.CSPProcessingService({ info() {} } as never, cheerio.load as never).getCspDetails(
    html,
    manifest.permissions as never,
  );
  const directives = new csp.CSPInjectionService().getInjectableCSP({
    existingCSPDetails: details,
    microsEnv: 'prod',
    hostname: hostOrigin,
  } as never);
  return directives
    .filter((directive) => !directive.startsWith('report-uri'))
    .map((directive) => (directive.startsWith('frame-ancestors') ? `frame-ancestors ${hostOrigin}` : directive))
    .join('; ');
}

/** The only script of a resource (the background script), for running it without a browser. */
export function onlyScript(manifest: Manifest, resourceKey: string): string {
  const index = resourceFile(manifest, resourceKey, 'index.html');
  if (!index) throw new Error(`no resource ${resourceKey}`);
  const sources = [...readFileSync(index, 'utf8').matchAll(/<script[^>]*src="([^"]+)"/g)].map((m) => m[1] as string);
  if (sources.length !== 1) throw new Error(`${resourceKey}/index.html has ${sources.length} scripts, expected one`);
  return readFileSync(resourceFile(manifest, resourceKey, sources[0] as string) as string, 'utf8');
}
