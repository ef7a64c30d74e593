/** One process, one port: agents' door, HTTP door, live door, store, analysis, and the page. */
import { mkdirSync } from 'node:fs'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Server } from 'socket.io'
import { unixSeconds } from '../base/clock'
import { messageOf, PlumblineError } from '../base/errors'
import { redact } from '../base/redact'
import { VERSION } from '../base/version'
import type { HubSettings } from '../wire/api'
import { MAX_FRAME_BYTES } from '../wire/frame'
import { DEFAULT_LIMITS, type Limits } from '../wire/limits'
import { LIVE_NAMESPACE } from '../wire/live'
import { Batch } from '../wire/table'
import { gate } from './access/gate'
import { guardAnswer } from './access/policy'
import { openServer, type TlsFiles } from './access/tls'
import { Tokens } from './access/tokens'
import { endRemoved } from './access/open-pages'
import { viewers } from './access/viewers'
import { answerRequest, isForeignHost, isForeignOrigin } from './http/door'
import { serveAgents, type AgentsDoor } from './ingest/agents'
import { Admission } from './fleet/admission'
import { joinFleet } from './fleet/fleet'
import { Others } from './fleet/others'
import { Evidence, type EvidenceReader } from './evidence'
import { paceOf } from './ingest/pace'
import { Live } from './live/live'
import { Imports, type ImportFiles } from './imports'
import { Keeper, type Price } from './findings/keeper'
import { Notifier } from './findings/notify'
import { hubMetrics } from './metrics'
import { isNodeKind, Nodes } from './nodes'
import { Notes } from './notes'
import { OTLP_AGENT, serveOtlp } from './otlp/door'
import { openPage, type Page } from './page'
import { Folding } from './roll-ups/folding'
import { keepOf, Retention, type Keep } from './roll-ups/retention'
import { isFactKind } from './run-facts'
import { Runs } from './runs'
import { openStore, type Store } from './store/store'
import { Views } from './views'

/** What is still being answered at the end gets so long. */
const LAST_ANSWERS_MS = 1000

export interface HubOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** How long what is kept; see `KEPT` where not given. */
  readonly keep?: Keep
  readonly data: string
  readonly store: string
  /** The name of the ClickHouse cluster that the store's server is of. */
  readonly storeCluster?: string
  /** The URL of Redis, where hubs of one store agree who does what; '' or absent for a hub alone. */
  readonly redis?: string
  /** How long a hub of several may be silent before others take what it had. */
  readonly leaseSeconds?: number
  /** What agents must show; '' for nothing. */
  readonly token: string
  /** What viewers must show; '' for nothing on the loopback, and for the agents' token elsewhere. */
  readonly viewToken?: string
  /** Speaks TLS with these; plain HTTP where absent. */
  readonly tls?: TlsFiles | undefined
  /** What one agent may do to it; the defaults where absent. */
  readonly limits?: Limits
  /** Addresses that are told of findings, and the secret that signs what they are told. */
  readonly notify?: readonly string[]
  readonly notifySecret?: string
  /** What a GPU costs, in the currency as it is shown; undefined where nobody said. */
  readonly price?: Price | undefined
  /** How others reach the page, for links; empty for the address that the hub listens on. */
  readonly publicUrl?: string
  /** The folder of the built page; undefined for a hub without one. */
  readonly page: string | undefined
  /** Makes a run of files that were dropped on the page; without it none are taken. */
  readonly importFiles?: ImportFiles
  /** What the page is told of evidence; without it evidence is kept as it comes. */
  readonly evidenceReader?: EvidenceReader
  /** Plays the recorded run; without it the page cannot. */
  readonly playDemo?: () => Promise<void>
  readonly log: (line: string) => void
}

export interface HubHandle {
  /** As others reach it. */
  readonly url: string
  /** As this machine reaches it: without TLS, so that no certificate is in the way. */
  readonly ownUrl: string
  readonly port: number
  close(): Promise<void>
}

/** Sockets of agents, browsers and programs at once: what is more waits outside. */
const MAX_CONNECTIONS = 20_000

function listen(server: HttpServer, { host, port }: Pick<HubOptions, 'host' | 'port'>): Promise<number> {
  server.maxConnections = MAX_CONNECTIONS
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const used = error.code === 'EADDRINUSE'
      const message = used ? `port ${port} of ${host} is in use` : `cannot listen on ${host}:${port}: ${error.message}`
      reject(new PlumblineError(message, { fix: 'choose another with --port, or stop what uses it' }))
    })
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port))
  })
}

const urlOf = (host: string, port: number, scheme = 'http') =>
  `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`

/** A host by which this machine reaches itself. */
const ownHost = (host: string) => (host === '0.0.0.0' || host === '::' ? 'localhost' : host)

function settingsOf(
  options: HubOptions,
  store: string,
  agentsShowToken: boolean,
  viewersShowToken: boolean,
): HubSettings {
  return {
    version: VERSION,
    store,
    data: options.data,
    host: options.host,
    agentsShowToken,
    viewersShowToken,
    pricePerGpuHour: options.price?.perGpuHour ?? null,
    currency: options.price?.currency ?? '',
    notifies: (options.notify ?? []).map(address => new URL(address).host),
    signsNotifications: (options.notifySecret ?? '') !== '',
    publicUrl: options.publicUrl ?? '',
  }
}

/** Starts a hub. Throws PlumblineError where the port or the data folder is taken, or the store cannot be opened. */
export async function startHub(given: HubOptions): Promise<HubHandle> {
  const options = { ...given, log: (line: string) => given.log(redact(line)) }
  const limits = options.limits ?? DEFAULT_LIMITS
  const startedAt = unixSeconds()
  mkdirSync(options.data, { recursive: true })
  const tokens = new Tokens(options.data, { token: options.token, viewToken: options.viewToken ?? '' }, options.log)
  let agents: AgentsDoor | undefined = undefined
  let opened: Store | undefined = undefined
  let url = ''
  const fleet = await joinFleet(options, {
    about: () => ({ url: options.publicUrl || url, version: VERSION, startedAt, storedTo: opened?.storedTo() ?? 0 }),
    began: term => opened?.begin(term),
    lost: () => agents?.sendAway(),
    storedTo: () => opened?.storedTo() ?? 0,
  })
  const allowed = viewers({
    host: options.host,
    data: options.data,
    tokens,
    isSecure: options.tls !== undefined,
    sessionKey: await fleet.sessionKey(),
  })
  const answerAll: RequestListener = (request, response) => {
    guardAnswer(response)
    answer(request, response).catch((error: unknown) => {
      options.log(`error: ${request.method} ${request.url}: ${messageOf(error)}`)
      response.destroy()
    })
  }
  const server = openServer(options.tls, answerAll, options.log)
  /** With TLS, how the page and the agent of this machine reach the hub. */
  const ownServer = options.tls === undefined ? undefined : createServer(answerAll)
  const store = await openStore({
    ...options,
    holder: fleet.term,
    alone: work => fleet.inTurn('tables', work),
  }).catch(async (error: unknown) => {
    await fleet.close()
    throw error
  })
  opened = store
  const isHouseKeeper = () => fleet.turn('house')
  const folding = new Folding(store, options.log, { isOurs: isHouseKeeper, storedTo: () => fleet.storedTo() })
  const retention = new Retention(store, options.keep ?? keepOf(''), options.log, async () => {
    const isOurs = await isHouseKeeper()
    if (isOurs) await fleet.sweep()
    return isOurs
  })
  const admission = new Admission(fleet, store)
  const entrance = gate(allowed)
  const nodes = new Nodes()
  const runs = new Runs(store, nodes.isConnected)
  const keeper = new Keeper({
    store,
    runs,
    turn: run => fleet.turn(`run ${run}`),
    holds: run => fleet.holds(`run ${run}`),
    price: options.price,
    log: options.log,
    tell(change, isNews) {
      if (isNews) notifier.tell(change)
      live.changed(run => run === change.finding.run)
      others.stored(store.arrival())
    },
  })
  const views = new Views(store, runs, keeper)
  const metrics = hubMetrics(
    () => nodes.agents,
    () => keeper.open(),
    () => views.summaries(),
    limits.runsOnMetrics,
  )
  const notifier = new Notifier({
    urls: options.notify ?? [],
    secret: options.notifySecret ?? '',
    linkOf: (run, id) =>
      `${options.publicUrl || url}/runs/${encodeURIComponent(run)}/findings/${encodeURIComponent(id)}`,
    count: what => metrics.count(what, 1),
    log: options.log,
  })
  const imports = options.importFiles && new Imports(join(options.data, 'imports'), options.importFiles)
  const evidence = new Evidence(join(options.data, 'evidence'), options.evidenceReader, options.log)
  const notes = new Notes({
    store,
    log: options.log,
    stored(noted, receivedAt) {
      runs.noted(noted, receivedAt)
      others.stored(receivedAt)
      live.changed(run => run === noted)
    },
  })
  const hub = {
    views,
    nodes,
    startedAt,
    metrics: metrics.text,
    imports,
    evidence,
    notes,
    settings: settingsOf(options, store.name, !tokens.mayReport(undefined), allowed.asks()),
    roleOf: allowed.roleOf,
    tokens: () => tokens.all().map(({ name, role, since }) => ({ name, role, since })),
    hubs: () =>
      fleet.members.map(({ id, url, version, startedAt }) => {
        return { id, url, version, startedAt, isThis: id === fleet.term?.id }
      }),
    playDemo: options.playDemo,
    log: options.log,
  }
  let page: Page | undefined
  /** Who comes before the page is open waits for it: a browser would not ask again. */
  let openedPage: (opened: Page) => void = () => undefined
  const whenOpen = new Promise<Page>(resolve => (openedPage = resolve))
  const otlp = serveOtlp({
    store,
    tokens,
    count: metrics.count,
    log: options.log,
    stored(batch, senders, receivedAt) {
      for (const node of senders) nodes.fold(new Batch(), node, receivedAt)
      const touched = runs.fold(batch, OTLP_AGENT, receivedAt)
      others.stored(receivedAt)
      live.changed(run => touched.has(run) || senders.some(node => runs.isOn(run, node)))
    },
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    if (isForeignHost(request, options.host)) {
      return response.writeHead(421).end('this hub answers to loopback names only\n')
    }
    if (await otlp.answer(request, response)) return
    if (await entrance.answer(request, response)) return
    if (await answerRequest(hub, request, response)) return
    if (options.page !== undefined) return (await whenOpen).handle(request, response)
    return response.writeHead(404, { 'content-type': 'text/plain' }).end('this hub has no page\n')
  }
  const io = new Server(server, {
    maxHttpBufferSize: MAX_FRAME_BYTES + 1024,
    serveClient: false,
    allowRequest: (request, decide) => decide(null, !isForeignHost(request, options.host) && !isForeignOrigin(request)),
  })
  if (ownServer !== undefined) io.engine.attach(ownServer, { path: io.path() })
  io.of(LIVE_NAMESPACE).use((socket, next) =>
    next(allowed.roleOf(socket.request) !== undefined ? undefined : new Error('this hub asks viewers for a token')),
  )
  const openPages = endRemoved(io.of(LIVE_NAMESPACE), allowed)
  const live = new Live(io, views, options.log)
  const watched = () => [...live.watched(), ...others.watched()]
  const isWatched = (node: string) => watched().some(run => runs.isOn(run, node))
  const door = serveAgents(io, {
    store,
    nodes,
    tokens,
    evidence,
    limits,
    runs,
    countLimit: metrics.countLimit,
    isWatched,
    pace(node) {
      const senders = watched().reduce((sum, run) => sum + (runs.get(run)?.nodes.size ?? 0), 0)
      return paceOf(nodes.agents, senders, isWatched(node))
    },
    count: metrics.count,
    log: options.log,
    admit: (agent, isStill) => admission.admit(agent, isStill),
    giveUp: agent => admission.giveUp(agent),
    isTold: kind => isFactKind(kind) || isNodeKind(kind),
    stored(batch, hello, receivedAt) {
      others.stored(receivedAt)
      nodes.fold(batch, hello.node, receivedAt)
      const touched = runs.fold(batch, hello.agent, receivedAt)
      // Device samples speak of a node: whoever watches a run there wants them.
      live.changed(run => touched.has(run) || runs.isOn(run, hello.node))
    },
  })
  agents = door
  const others = new Others({ fleet, store, runs, nodes, keeper, live, admission, agents: door, log: options.log })
  try {
    others.start(io)
    await runs.restore()
    await nodes.restore(store)
    await keeper.start()
    await folding.start()
    retention.start()
    const port = await listen(server, options)
    const ownUrl =
      ownServer === undefined
        ? urlOf(ownHost(options.host), port)
        : urlOf('127.0.0.1', await listen(ownServer, { host: '127.0.0.1', port: 0 }))
    if (options.page !== undefined) {
      page = await openPage(options.page, ownUrl)
      openedPage(page)
    }
    url = urlOf(options.host, port, options.tls === undefined ? 'http' : 'https')
    return { url, ownUrl, port, close }
  } catch (error) {
    await close()
    throw error
  }

  async function close(): Promise<void> {
    openPages.close()
    await Promise.all([
      others.close(),
      live.close(),
      door.close(),
      otlp.close(),
      notes.close(),
      imports?.close(),
      keeper.close(),
      folding.close(),
      retention.close(),
      notifier.close(),
    ])
    await evidence.close()
    // A client that keeps reading must not keep the hub from its end.
    const late = setTimeout(() => {
      server.closeAllConnections()
      ownServer?.closeAllConnections()
    }, LAST_ANSWERS_MS)
    ownServer?.close()
    await io.close()
    clearTimeout(late)
    await page?.close()
    await store.close()
    await fleet.close()
  }
}
