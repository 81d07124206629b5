// One end of Noise sessions, played by noise-handshake or noise-protocol. Reads a
// request in JSON from each line of stdin, and answers with a line: {"ok": ...} or
// {"error": text}. Bytes are hex. See run_noise.py for what a peer has to offer.
//
// usage: node noise_peer.mjs noise-handshake|noise-protocol

import { createInterface } from 'node:readline'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const unhex = (hex) => Buffer.from(hex, 'hex')
const TAG_BYTES = 16

class NoiseHandshake {
  constructor () {
    this.Noise = require('noise-handshake')
    this.Cipher = require('noise-handshake/cipher')
    this.dh = require('noise-handshake/dh')
  }

  start (job) {
    const s = job.s ? this.dh.generateKeyPair(unhex(job.s)) : undefined
    const options = job.psks.length > 0 ? { psk: unhex(job.psks[0]) } : {}
    this.state = new this.Noise(job.name, job.initiator, s, options)
    this.state.initialise(unhex(job.prologue), job.rs ? unhex(job.rs) : null)
    this.tx = this.rx = null
  }

  write (payload) {
    return Buffer.from(this.state.send(payload))
  }

  read (message) {
    return Buffer.from(this.state.recv(message))
  }

  hash () {
    return Buffer.from(this.state.hash)
  }

  seal (payload) {
    this.tx ??= new this.Cipher(this.state.tx)
    return Buffer.from(this.tx.encrypt(payload))
  }

  open (message) {
    this.rx ??= new this.Cipher(this.state.rx)
    return Buffer.from(this.rx.decrypt(message))
  }
}

class NoiseProtocol {
  constructor () {
    const cipher = require('noise-protocol/cipher')()
    const dh = require('noise-protocol/dh')()
    const hash = require('noise-protocol/hash')({ dh })
    this.noise = require('noise-protocol')
    this.cipherState = require('noise-protocol/cipher-state')({ cipher })
    this.symmetricState = require('noise-protocol/symmetric-state')({
      hash, cipherState: this.cipherState
    })
  }

  start (job) {
    const s = job.s ? { publicKey: unhex(job.public), secretKey: unhex(job.s) } : null
    this.state = this.noise.initialize(job.name, job.initiator, unhex(job.prologue), s,
      null, job.rs ? unhex(job.rs) : null)
    this.initiator = job.initiator
    this.split = null
  }

  // The library gives the first key of Split() to whoever wrote last; the
  // specification gives it to the initiator. The two differ in patterns of two
  // messages.
  keep (split, first, second) {
    if (!split) return
    const c = [split[first], split[second]]
    this.split = this.initiator ? { tx: c[0], rx: c[1] } : { tx: c[1], rx: c[0] }
  }

  write (payload) {
    const out = Buffer.alloc(65535)
    this.keep(this.noise.writeMessage(this.state, payload, out), 'tx', 'rx')
    return out.subarray(0, this.noise.writeMessage.bytes)
  }

  read (message) {
    const out = Buffer.alloc(65535)
    this.keep(this.noise.readMessage(this.state, message, out), 'rx', 'tx')
    return out.subarray(0, this.noise.readMessage.bytes)
  }

  hash () {
    const out = Buffer.alloc(64)
    this.symmetricState.getHandshakeHash(this.state.symmetricState, out)
    return out
  }

  seal (payload) {
    const out = Buffer.alloc(payload.length + TAG_BYTES)
    this.cipherState.encryptWithAd(this.split.tx, out, Buffer.alloc(0), payload)
    return out
  }

  open (message) {
    const out = Buffer.alloc(message.length - TAG_BYTES)
    this.cipherState.decryptWithAd(this.split.rx, out, Buffer.alloc(0), message)
    return out
  }

  rekey (direction) {
    this.cipherState.rekey(direction === 'tx' ? this.split.tx : this.split.rx)
  }
}

const peers = { 'noise-handshake': NoiseHandshake, 'noise-protocol': NoiseProtocol }
const peer = new peers[process.argv[2]]()

function answer (request) {
  const { call, job, bytes, direction } = request
  if (call === 'start') return peer.start(job)
  if (call === 'hash') return peer.hash().toString('hex')
  if (call === 'rekey') return peer.rekey(direction)
  return peer[call](unhex(bytes)).toString('hex')
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply
  try {
    reply = { ok: answer(JSON.parse(line)) ?? '' }
  } catch (error) {
    reply = { error: String(error.message ?? error) }
  }
  process.stdout.write(JSON.stringify(reply) + '\n')
}
