"""A mail server of aiosmtpd: STARTTLS or TLS, AUTH, and recipients that make it refuse. Prints its port, then each message as a line of JSON."""
import asyncio, base64, json, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

security, certificate, key, password = sys.argv[1:5]

def authenticate(server, session, envelope, mechanism, data):
    given = (data.login.decode(), data.password.decode()) if mechanism in ("LOGIN", "PLAIN") else None
    return AuthResult(success=given == ("slmctl", password), handled=False, auth_data=data)

class Handler:
    seen = {}
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("never"):
            return "550 5.1.1 No such user"
        if address.startswith("later"):
            self.seen[address] = self.seen.get(address, 0) + 1
            if self.seen[address] < 3:
                return "451 4.7.1 Greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        to = envelope.rcpt_tos[0]
        if to.startswith("full"):
            return "552 5.2.2 Mailbox full"
        print(json.dumps({
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": server.transport.get_extra_info("ssl_object") is not None,
            "user": session.auth_data.login.decode() if session.auth_data else None,
            "data": base64.b64encode(envelope.original_content).decode(),
        }), flush=True)
        if to.startswith("cut"):
            server.transport.abort()
            await asyncio.sleep(60)
        if to.startswith("slow"):
            await asyncio.sleep(60)
        return "250 OK, taken"

async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if security != "none" else None
    if context:
        context.load_cert_chain(certificate, key)
    handler = Handler()
    def session():
        auth = {"authenticator": authenticate, "auth_required": password != "-"} if password != "-" else {}
        if security == "starttls":
            return SMTP(handler, tls_context=context, require_starttls=True, hostname="mail.test", **auth)
        # Over TLS from the beginning, or without any.
        return SMTP(handler, hostname="mail.test", auth_require_tls=False, **auth)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", 0, ssl=context if security == "tls" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
