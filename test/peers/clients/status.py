#!/usr/bin/python3
"""Status of many machines by python3-winrm: the same requests that slmctl sends, NTLM with sealed bodies, answers parsed by xmltodict.

Usage: status.py WORK.json THREADS
WORK.json: {"user": "...", "password": "...", "machines": [{"endpoint": "http://127.0.0.1:20001/wsman", "requests": ["<s:Envelope ...", ...]}]}
Prints one line of JSON: machines, failures, items (rows and outputs), faults.
"""
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import xmltodict
from winrm.exceptions import WinRMError
from winrm.protocol import Protocol


def items(node):
    """Counts the rows of an enumeration and the outputs of a call, so that the answer is really read."""
    if isinstance(node, dict):
        return sum((len(v) if isinstance(v, list) else 1) if k.endswith('XmlFragment') or k.endswith('_OUTPUT') else items(v) for k, v in node.items())
    return sum(items(n) for n in node) if isinstance(node, list) else 0


def ask(machine, work):
    client = Protocol(endpoint=machine['endpoint'], transport='ntlm', username=work['user'], password=work['password'],
                      message_encryption='always', read_timeout_sec=70, operation_timeout_sec=60)
    found, faults = 0, 0
    for request in machine['requests']:
        try:
            found += items(xmltodict.parse(client.send_message(request)))
        except WinRMError as fault:  # a class that the machine does not have
            if 'extended fault data' not in str(fault):
                raise
            faults += 1
    client.transport.session.close()
    return found, faults


def main():
    work = json.load(open(sys.argv[1], encoding='utf-8'))
    failures, found, faults = [], 0, 0
    with ThreadPoolExecutor(int(sys.argv[2])) as pool:
        for machine, task in [(m, pool.submit(ask, m, work)) for m in work['machines']]:
            try:
                rows, refused = task.result()
                found, faults = found + rows, faults + refused
            except Exception as error:  # a machine's failure is counted, the others go on
                failures.append(f"{machine['endpoint']}: {error!r}"[:300])
    print(json.dumps({'machines': len(work['machines']), 'failures': failures[:3], 'failed': len(failures), 'items': found, 'faults': faults}))
    sys.exit(1 if failures else 0)


main()
