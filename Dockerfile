# Parley beside a PostgreSQL of its own: the embedded one is left out. Settings: see .env.example.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# Optional: the binaries of the embedded PostgreSQL. Scripts: none that is needed here; Node is the image's own.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund
COPY prisma.config.ts ./
COPY prisma prisma
COPY src src
COPY bin bin
RUN node prisma/generate.ts

# The typed client for the browser, and our pages. (Their bundler comes as an optional dependency, one a platform.)
FROM node:24-slim AS client
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY src src
COPY bin bin
COPY prisma prisma
COPY prisma.config.ts ./
RUN node src/cli/build.ts

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 MEDIA_DIR=/var/lib/parley/media
WORKDIR /app
COPY --from=build /app .
COPY --from=client /app/dist dist
RUN mkdir -p /var/lib/parley/media && chown -R node:node /var/lib/parley
USER node
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/live`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Not through npm: SIGTERM goes to the server itself.
CMD ["node", "src/server.ts"]
