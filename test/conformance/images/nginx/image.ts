import type { ImageRecipe } from '../recipe.ts';

const CONFIG = `daemon off;
user nobody nogroup;
worker_processes 1;
error_log /dev/stderr notice;
pid /run/nginx.pid;
events { worker_connections 256; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log /dev/stdout;
  server {
    listen 80;
    listen [::]:80;
    root /usr/share/nginx/html;
  }
}
`;
const PAGE = '<!DOCTYPE html>\n<title>Welcome to nginx!</title>\n<h1>Welcome to nginx!</h1>\n';

export const nginx: ImageRecipe = {
  repository: 'registry.k8s.io/e2e-test-images/nginx',
  tags: ['1.15-4', '1.27-0'],
  layers: [
    { kind: 'shell' },
    {
      kind: 'debian',
      packages: ['nginx'],
      programs: ['/usr/sbin/nginx'],
      files: ['/etc/nginx/mime.types'],
    },
    {
      kind: 'files',
      entries: [
        { type: 'file', path: '/etc/nginx/nginx.conf', content: CONFIG },
        { type: 'file', path: '/usr/share/nginx/html/index.html', content: PAGE },
        { type: 'directory', path: '/var/lib/nginx' },
        { type: 'directory', path: '/var/log/nginx' },
        { type: 'directory', path: '/run' },
      ],
    },
  ],
  config: { cmd: ['nginx'] },
};
