"""An RPC server of impacket on the loopback, with the management interface: for any other its bind_ack fails in impacket itself.
Prints its port, then each PDU that comes: its type, and the interface of a bind."""
import time

from impacket.dcerpc.v5 import rpcrt
from impacket.uuid import bin_to_uuidtup


class Server(rpcrt.DCERPCServer):
    def processRequest(self, data):
        packet = rpcrt.MSRPCHeader(data)
        wants = ''
        if packet['type'] == rpcrt.MSRPC_BIND:
            bind = rpcrt.MSRPCBind(packet['pduData'])
            wants = ' '.join(bin_to_uuidtup(rpcrt.CtxItem(bind['ctx_items'])['AbstractSyntax']))
        print(packet['type'], wants, flush=True)
        return super().processRequest(data)


server = Server()
server.addCallbacks(('afa8bd80-7d8a-11c9-bef4-08002b102989', '1.0'), '\\PIPE\\peer', {})
server.daemon = True
server.start()
time.sleep(0.2)
print(server.getListenPort(), flush=True)
time.sleep(120)
