# The shared server (docs/server.md): serves MCP over HTTP on port 8080. Runs as any user, on a read-only file system;
# it writes below /data, and to /tmp.

FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc tsconfig.json ./
COPY tools/node/package.json tools/node/
RUN npm ci --no-audit --no-fund
COPY scripts scripts
COPY src src
COPY assets assets
RUN npm run build

FROM node:24-bookworm-slim
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ffmpeg \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY LICENSE ./
COPY --from=build /build/dist dist
RUN mkdir -p /data/state /data/videos && chown -R node:node /data
ENV NODE_ENV=production \
    JIMENG_VIDEO_STATE_DIR=/data/state \
    JIMENG_VIDEO_OUTPUT_DIR=/data/videos
USER node
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
