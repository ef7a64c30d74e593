/** @type {import('next').NextConfig} */
export default {
  reactStrictMode: true,
  poweredByHeader: false,
  // Of the sources, so that two builds of the same ones are the same.
  generateBuildId: () => process.env.PLUMBLINE_BUILD ?? null,
  // The hub has its own type check and lint (npm test); the build stays quick on two cores.
  typescript: { ignoreBuildErrors: true },
  serverExternalPackages: ['chdb', '@clickhouse/client', 'prom-client'],
  devIndicators: false,
  allowedDevOrigins: ['127.0.0.1'],
}
