# p2p without a screen; docs/docker.md says how to run it so that it meets anybody.
FROM node:24-bookworm-slim AS build
WORKDIR /p2p
COPY package.json package-lock.json .npmrc ./
COPY runtime/package.json runtime/
RUN npm ci
ENV PATH=/p2p/node_modules/.bin:$PATH
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
RUN node scripts/build.ts

FROM node:24-bookworm-slim
COPY package.json LICENSE /p2p/
COPY bin /p2p/bin
COPY --from=build /p2p/dist /p2p/dist
RUN ln -s /p2p/bin/p2p.cjs /usr/local/bin/p2p && install -d -o 1000 -g 1000 -m 700 /data
ENV P2P_DATA_DIR=/data P2P_FILES_FOLDER=/data/in
VOLUME /data
USER 1000:1000
EXPOSE 8001/tcp 8001/udp
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["node", "-e", "require('http').get({socketPath:'/data/control.sock',path:'/healthz'},(answer)=>process.exit(answer.statusCode===200?0:1)).on('error',()=>process.exit(1))"]
ENTRYPOINT ["p2p"]
CMD ["serve"]
