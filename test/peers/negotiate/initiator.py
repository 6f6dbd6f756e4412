#!/usr/bin/python3
"""The client end by MIT's GSS-API and gss-ntlmssp, driven line by line: what our own acceptors are tried with.

initiator.py MECHANISM TARGET [HEX-OF-CHANNEL-BINDING]     MECHANISM: kerberos | spnego-kerberos | ntlm | spnego-ntlm

Input: `step BASE64` (empty to begin), `wrap BASE64`, `unwrap BASE64`; output: `ok BASE64` or `refused TEXT`.
"""
import base64
import sys

import gssapi
from gssapi import raw

NTLM = gssapi.OID.from_int_seq("1.3.6.1.4.1.311.2.2.10")
SPNEGO = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
KERBEROS = gssapi.OID.from_int_seq("1.2.840.113554.1.2.2")

how, target = sys.argv[1:3]
binding = raw.ChannelBindings(application_data=bytes.fromhex(sys.argv[3])) if len(sys.argv) > 3 else None
inner = NTLM if how.endswith("ntlm") else KERBEROS
outer = SPNEGO if how.startswith("spnego") else inner
user = gssapi.Name("SLM\\alice", gssapi.NameType.user) if inner == NTLM else None
credential = gssapi.Credentials(base=raw.acquire_cred(user, usage="initiate", mechs=[outer]).creds)
if outer == SPNEGO:
    raw.set_neg_mechs(credential, [inner])
F = gssapi.RequirementFlag
context = gssapi.SecurityContext(
    name=gssapi.Name(target, gssapi.NameType.hostbased_service),
    creds=credential,
    usage="initiate",
    mech=outer,
    channel_bindings=binding,
    flags=F.mutual_authentication | F.replay_detection | F.out_of_sequence_detection | F.confidentiality | F.integrity,
)
for line in sys.stdin:
    verb, _, text = line.strip().partition(" ")
    given = base64.b64decode(text)
    try:
        if verb == "step":
            out = context.step(given or None) or b""
        elif verb == "wrap":
            out = raw.wrap(context, given, True).message
        else:
            out = raw.unwrap(context, given).message
        print("ok " + base64.b64encode(out).decode(), flush=True)
    except gssapi.exceptions.GSSError as error:
        print("refused " + str(error).replace("\n", " "), flush=True)
