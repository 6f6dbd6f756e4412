#!/usr/bin/python3
"""A WinRM-like endpoint whose whole cryptography is MIT's GSS-API and gss-ntlmssp: HTTP/1.1, Negotiate or Kerberos, sealed bodies.

endpoint.py ADDRESS:PORT KEYTAB [HEX-OF-CHANNEL-BINDING]

It answers a sealed <q> by a sealed <reply><q></reply>, 401 to a logon that it refuses, and 400 to a body whose seal it refuses.
"""
import base64
import re
import struct
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import gssapi
from gssapi import raw
from gssapi.raw import IOV, IOVBufferType, unwrap_iov, wrap_iov

NTLM = gssapi.OID.from_int_seq("1.3.6.1.4.1.311.2.2.10")
SPNEGO = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
KERBEROS = gssapi.OID.from_int_seq("1.2.840.113554.1.2.2")
PROTOCOL = "application/HTTP-SPNEGO-session-encrypted"
HEAD = re.compile(
    (
        "--Encrypted Boundary\r\n\tContent-Type: %s\r\n"
        "\tOriginalContent: type=application/soap\\+xml;charset=UTF-8;Length=(\\d+)\r\n"
        "--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n" % PROTOCOL
    ).encode()
)
TAIL = b"--Encrypted Boundary--\r\n"

address, port = sys.argv[1].split(":")
binding = None
if len(sys.argv) > 3:
    binding = raw.ChannelBindings(application_data=bytes.fromhex(sys.argv[3]))
ntlm_only = gssapi.Credentials(base=raw.acquire_cred(None, usage="accept", mechs=[NTLM]).creds)
ntlm_wrapped = gssapi.Credentials(base=raw.acquire_cred(None, usage="accept", mechs=[SPNEGO, NTLM]).creds)
kerberos = gssapi.Credentials(usage="accept", store={"keytab": sys.argv[2]}, mechs=[SPNEGO, KERBEROS])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    context = None
    refused = None

    def log_message(self, *_):
        pass

    def answer(self, status, headers=(), body=b""):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = []
        given = self.headers.get("Authorization")
        if given:
            token = base64.b64decode(given.split()[1])
            if self.context is None or self.context.complete:
                is_ntlm = b"NTLMSSP\0" in token[:200]
                credential = (ntlm_only if token.startswith(b"NTLMSSP\0") else ntlm_wrapped) if is_ntlm else kerberos
                self.context = gssapi.SecurityContext(creds=credential, usage="accept", channel_bindings=binding)
            try:
                out = self.context.step(token)
                complete = self.context.complete  # where an error comes with a token, it is raised here
            except gssapi.exceptions.GSSError as error:
                self.context = None
                return self.answer(401, [("WWW-Authenticate", "Negotiate")], b"logon refused: " + str(error).encode())
            if out:
                headers.append(("WWW-Authenticate", given.split()[0] + " " + base64.b64encode(out).decode()))
            if not complete:
                return self.answer(401, headers)
        if self.context is None or not self.context.complete:
            return self.answer(401, [("WWW-Authenticate", "Negotiate")])
        headers.append(("X-Peer", re.sub("[^ -~]", "", str(self.context.initiator_name))))
        if not body:
            return self.answer(200, headers)
        is_ntlm = self.context.mech == NTLM
        head = HEAD.match(body)
        if head is None or not body.endswith(TAIL):
            return self.answer(400, headers, b"not a sealed body")
        sealed = body[head.end() : -len(TAIL)]
        (length,) = struct.unpack("<i", sealed[:4])
        signature, data = sealed[4 : 4 + length], sealed[4 + length :]
        if len(data) != int(head.group(1)):
            return self.answer(400, headers, b"wrong length")
        try:
            if is_ntlm:
                message = raw.unwrap(self.context, signature + data).message
            else:
                iov = IOV((IOVBufferType.header, False, signature), (IOVBufferType.data, False, data), IOVBufferType.data, std_layout=False)
                unwrap_iov(self.context, iov)
                message = iov[1].value
        except gssapi.exceptions.GSSError as error:
            return self.answer(400, headers, b"seal refused: " + str(error).encode())
        reply = b"<reply>" + message + b"</reply>"
        if is_ntlm:
            wrapped = raw.wrap(self.context, reply, True).message
            signature, data = wrapped[:16], wrapped[16:]
        else:
            iov = IOV(IOVBufferType.header, reply, IOVBufferType.padding, std_layout=False)
            wrap_iov(self.context, iov, confidential=True)
            signature, data = iov[0].value, iov[1].value + (iov[2].value or b"")
        sealed = (
            "--Encrypted Boundary\r\n\tContent-Type: %s\r\n\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length=%d\r\n"
            "--Encrypted Boundary\r\n\tContent-Type: application/octet-stream\r\n" % (PROTOCOL, len(reply))
        ).encode() + struct.pack("<i", len(signature)) + signature + data + TAIL
        self.answer(200, headers + [("Content-Type", 'multipart/encrypted;protocol="%s";boundary="Encrypted Boundary"' % PROTOCOL)], sealed)


print("ready", flush=True)
ThreadingHTTPServer((address, int(port)), Handler).serve_forever()
