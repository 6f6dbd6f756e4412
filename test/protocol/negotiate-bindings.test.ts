import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bindingHash } from '../../src/protocol/negotiate/bindings.ts'
import { channelBindings, NegotiateError } from '../../src/protocol/negotiate.ts'

/** Certificates made by OpenSSL 3.0 for CN=pc, and what `openssl dgst` says of their DER. */
const certificates = [
  {
    name: 'SHA-1 becomes SHA-256',
    hash: '325283b0bbe30b8ccea6d02e3b6782b0d68677fcab628fd1423c2ab9ee617095',
    der: `
    MIIBbDCCARSgAwIBAgIUTxZrh+H0sky5Nw9lVVm2M6pbJOYwCQYHKoZIzj0EATANMQswCQYDVQQDDAJwYzAeFw0yNjExMjYwMTQ5MDNaFw0zNjExMjMwMTQ5
    MDNaMA0xCzAJBgNVBAMMAnBjMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZRGBpzv1unZtTuUGy2PB+oHp0rHy+8QOblsYAExr3sLZxOTbRQRXbxWsAAiJ
    zj5jTRlkxNOfkZT84VI+6w/u+KNTMFEwHQYDVR0OBBYEFO4lq8qcauOqMwKtMxTgxzjEsWQ5MB8GA1UdIwQYMBaAFO4lq8qcauOqMwKtMxTgxzjEsWQ5MA8G
    A1UdEwEB/wQFMAMBAf8wCQYHKoZIzj0EAQNHADBEAiBd98mIv3og7/Bgqj7Jikw5qTLwiUk8ipRswCqxM+P5/wIgdxSuF9KiKcChk1y3pjMhtlyEHoTnfojL
    kBd9kxP2sV0=`,
  },
  {
    name: 'SHA-384',
    hash: 'd73336469315555450bfc30a46e417bab53fb42cbb2e8e88aa90c99c9f5ff9974e7065e7970ec5330ce64dae0211054b',
    der: `
    MIIBbjCCARWgAwIBAgIUVYGcqUfUT1AQwoq4mVcqJLJris0wCgYIKoZIzj0EAwMwDTELMAkGA1UEAwwCcGMwHhcNMjYxMTI2MDE0OTAzWhcNMzYxMTIzMDE0
    OTAzWjANMQswCQYDVQQDDAJwYzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJVCH05ExOf27UVjClzpiF6/PAxbnGra16H4bmGw3LgtPig818ZBhfnA4siv
    9AAEgm2kdKhAN6XsHp/oPZCz7MGjUzBRMB0GA1UdDgQWBBSXWBSW/eip39c1o590kuI2oyD4ozAfBgNVHSMEGDAWgBSXWBSW/eip39c1o590kuI2oyD4ozAP
    BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMDA0cAMEQCIAPRwhoajt0YjqrwNbClbsVdjSUwRn01pv4X9ytMOSz2AiBYykRNpE4OU/5dC+JFYAlSKwDQIvoW
    lPg67W3VM75oxA==`,
  },
  {
    name: 'SHA-512',
    hash: '5bc14bd9c28bb17d0e94306ce236731b3a196df6de2fa1acc303784a4ad1a44de7018bfee575b35eab7062aebb234d6f5c9e4c0c4241e2165ca3326bb19cc84b',
    der: `
    MIIBbzCCARWgAwIBAgIUY3zOohykCMVtMvKCTj6U1IM1yq4wCgYIKoZIzj0EAwQwDTELMAkGA1UEAwwCcGMwHhcNMjYxMTI2MDE0OTAzWhcNMzYxMTIzMDE0
    OTAzWjANMQswCQYDVQQDDAJwYzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJjr9ums0weeBfd4JOBWv7u+hpqtAJohA07hWkeUZhdnTgwvxDJGw6Hb/xHf
    aUzbOMSZvX5MeDKZ4TwF7xb11eqjUzBRMB0GA1UdDgQWBBTQk7AIE927i/ntv7TXuQplAgI1ADAfBgNVHSMEGDAWgBTQk7AIE927i/ntv7TXuQplAgI1ADAP
    BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMEA0gAMEUCIGBE8//gdVCZQJI8IKl3dTMQIdXpuETFOhcyEK/C3Dg6AiEAinHmSSRySKD6qbuwxto7W/6oogx5
    Tdt1PFOrzbxD1vE=`,
  },
  {
    name: 'RSASSA-PSS names its hash inside',
    hash: '28c0e80d54cbfc0956ebb57540753430feb943eb7f466105a1d80b46935c7fedb3ac49a8273881469072d57d027a34cf',
    der: `
    MIIDZTCCAhigAwIBAgIUVLltvrpdX6ag9Nuo0YDFKLvJSaQwQgYJKoZIhvcNAQEKMDWgDzANBglghkgBZQMEAgIFAKEcMBoGCSqGSIb3DQEBCDANBglghkgB
    ZQMEAgIFAKIEAgIAzjANMQswCQYDVQQDDAJwYzAeFw0yNjExMjYwMTQ5MDNaFw0zNjExMjMwMTQ5MDNaMA0xCzAJBgNVBAMMAnBjMIIBIjANBgkqhkiG9w0B
    AQEFAAOCAQ8AMIIBCgKCAQEAtsP8Ks+SGLn8+SJ7oJN6h6lrwiSkwkyLblJ0IHorr0CDIFQkT/9/+Mgy/GnZ8Zt4Xd80Lxr7YQGUKG0nUqZuLNjaWl7Np2ic
    OBBE2Vlk22XkgNRnAT/Lrx84PFJ1xM0hX4IvG7j8UOoVJXKtC60YTo9BjPkzsA8KUI+TilVH8MOO/wdEsb5A48j6l7ZVZQrekB8kkxmd3diWq6b3qbgNrqPh
    h4qVofLwTDnURUI7KeUHQRtfrsR3AwNjAj97lfw3AIB3Wbkz0sVOJUVjgIpTnX8FxfQqLMU2FONzTWAihU+Kb6YUIj/E2xwraUnIgQMA/eezylvYeFyyObpU
    XpjP0wIDAQABo1MwUTAdBgNVHQ4EFgQUlcd0EhwVblcU4iZG6a+m2/goSNYwHwYDVR0jBBgwFoAUlcd0EhwVblcU4iZG6a+m2/goSNYwDwYDVR0TAQH/BAUw
    AwEB/zBCBgkqhkiG9w0BAQowNaAPMA0GCWCGSAFlAwQCAgUAoRwwGgYJKoZIhvcNAQEIMA0GCWCGSAFlAwQCAgUAogQCAgDOA4IBAQCPo05zvoa7aXB+hMSQ
    XJj9ScjhwA7tX+5QhMwFDxprslDzQv2jz/a73XLzIDggAIaQTxOLeVcFxfQ2dsSKFZ2EDz3EEBe5eGnoFUYWls0XDor9Xa5b3do3hcHaDSaElIa08ZKcW/Q9
    L7v5+djkbN6m6PgQJfDHRm2gpLZc9m22w8AS80rCPBqnlTC4WvfPXK10KJpCPizmMNa3yWM2JfyRlkAWZJaiOIRQZtBhMQrO0jguGT3Jh6LTCfTd++kQzv1T
    qkzMU/IcjLfn7/cXbqygach6TZo5zrTrSUqDatZtXwDK1wyDvMaHJQi0cnoxWmykEbO3NWDEnKEzJOyUfaRe`,
  },
]

test('RFC 5929 4.1: the hash of the certificate by the hash of its own signature', () => {
  for (const { name, hash, der } of certificates) {
    const binding = Buffer.from(channelBindings(Buffer.from(der, 'base64')))
    assert.equal(binding.subarray(0, 21).toString(), 'tls-server-end-point:', name)
    assert.equal(binding.subarray(21).toString('hex'), hash, name)
  }
  assert.throws(() => channelBindings(Buffer.from('not a certificate')), NegotiateError)
})

test('the AV pair of a channel binding: MD5 of a gss_channel_bindings_struct that holds nothing else', () => {
  // By python's ntlm-auth: GssChannelBindingsStruct with this application data.
  assert.equal(bindingHash(Buffer.from('tls-server-end-point:test')).toString('hex'), '33eba5a64cc3a8758a296c8a70cb3008')
})
