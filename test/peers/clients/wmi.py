#!/usr/bin/python3
"""What python3-winrm gets from a machine, as JSON: its own transport, NTLM or Kerberos handshake, sealing and SOAP header.

Reads one JSON object from standard input: endpoint, transport, user, password, ca, steps; prints a list with one entry for each
step: {"ok": true, "rows": [{name: text | null | [..]}], "answers": n, "type": ...} or {"ok": false, "status", "fault": {..}, "error"}.
Steps: enumerate {class, namespace, wql, max, optimize}, get {class, namespace, selectors},
invoke {class, namespace, selectors, method, arguments}, shell {command, arguments}, wire {xml}.
"""
import json
import sys
import xml.etree.ElementTree as ET

import xmltodict
from winrm.exceptions import WinRMTransportError
from winrm.protocol import Protocol

NS = {
    's': 'http://www.w3.org/2003/05/soap-envelope',
    'a': 'http://schemas.xmlsoap.org/ws/2004/08/addressing',
    'n': 'http://schemas.xmlsoap.org/ws/2004/09/enumeration',
    'w': 'http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd',
    'f': 'http://schemas.microsoft.com/wbem/wsman/1/wsmanfault',
    'p': 'http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd',
}
XSI = '{http://www.w3.org/2001/XMLSchema-instance}'
ENUMERATION = 'http://schemas.xmlsoap.org/ws/2004/09/enumeration/'
WMI = 'http://schemas.microsoft.com/wbem/wsman/1/wmi/'


def local(tag):
    return tag.rsplit('}', 1)[-1]


def value(node):
    if node.get(XSI + 'nil') == 'true':
        return None
    if len(node):  # cim:Datetime holds the text one level deeper
        return {local(child.tag): child.text or '' for child in node}
    return node.text or ''


def row(node):
    found = {}
    for child in node:
        name = local(child.tag)
        if name in found:
            found[name] = (found[name] if isinstance(found[name], list) else [found[name]]) + [value(child)]
        else:
            found[name] = value(child)
    return {'type': local(node.tag), 'xsi': node.get(XSI + 'type'), 'namespace': node.tag[1:].split('}')[0] if node.tag[0] == '{' else '', 'values': found}


def fault(xml):
    try:
        found = ET.fromstring(xml).find('.//s:Fault', NS)
    except ET.ParseError:
        return None
    if found is None:
        return None
    code = None
    for node in found.iter():
        if local(node.tag) == 'WSManFault' and code is None:
            code = int(node.get('Code'))
        if local(node.tag) == 'error_Code' and code is None:
            code = int(node.text)
    return {'code': code, 'value': found.findtext('s:Code/s:Value', namespaces=NS), 'subcode': found.findtext('s:Code/s:Subcode/s:Value', namespaces=NS),
            'reason': found.findtext('s:Reason/s:Text', namespaces=NS), 'xml': ET.tostring(found).decode()}


class Client:
    def __init__(self, about):
        extra = {'ca_trust_path': about['ca']} if about.get('ca') else {}
        self.protocol = Protocol(endpoint=about['endpoint'], transport=about['transport'], username=about.get('user'), password=about.get('password'),
                                 message_encryption=about.get('encryption', 'auto'), read_timeout_sec=70, operation_timeout_sec=60,
                                 kerberos_hostname_override=about.get('host'), **extra)

    def envelope(self, action, uri, body, selectors=None):
        message = self.protocol._get_soap_header(action=action, resource_uri=uri)
        if selectors:
            message['env:Header']['w:SelectorSet'] = {'w:Selector': [{'@Name': k, '#text': v} for k, v in selectors.items()]}
        message['env:Body'] = body
        return xmltodict.unparse({'env:Envelope': message})

    def send(self, xml):
        answer = self.protocol.transport.send_message(xml)
        return ET.fromstring(answer)

    def enumerate(self, step):
        uri = WMI + step.get('namespace', 'root/cimv2') + '/' + (step.get('class') or '*')
        most = step.get('max')
        body = {}
        if step.get('optimize', True):
            body['w:OptimizeEnumeration'] = None
            if most:
                body['w:MaxElements'] = str(most)
        if step.get('wql'):
            body['w:Filter'] = {'@Dialect': 'http://schemas.microsoft.com/wbem/wsman/1/WQL', '#text': step['wql']}
        root = self.send(self.envelope(ENUMERATION + 'Enumerate', uri, {'n:Enumerate': body}))
        rows, answers, each = [], 1, []
        while True:
            items = [node for node in root.iter() if node.tag in ('{%s}Items' % NS['w'], '{%s}Items' % NS['n'])]
            got = [row(node) for group in items for node in group]
            rows += got
            each.append(len(got))
            end = any(local(node.tag) == 'EndOfSequence' for node in root.iter())
            context = root.findtext('.//n:EnumerationContext', namespaces=NS)
            if end or not context:
                return {'rows': rows, 'answers': answers, 'each': each, 'ended': end}
            pull = {'n:EnumerationContext': context}
            if most:
                pull['n:MaxElements'] = str(most)
            root = self.send(self.envelope(ENUMERATION + 'Pull', uri, {'n:Pull': pull}))
            answers += 1

    def get(self, step):
        uri = WMI + step.get('namespace', 'root/cimv2') + '/' + step['class']
        root = self.send(self.envelope('http://schemas.xmlsoap.org/ws/2004/09/transfer/Get', uri, {}, step['selectors']))
        return {'rows': [row(node) for node in root.find('s:Body', NS)], 'answers': 1}

    def invoke(self, step):
        uri = WMI + step.get('namespace', 'root/cimv2') + '/' + step['class']
        method = step['method']
        body = {'m:%s_INPUT' % method: {'@xmlns:m': uri, **{'m:' + k: v for k, v in step.get('arguments', {}).items()}}}
        root = self.send(self.envelope(uri + '/' + method, uri, body, step.get('selectors')))
        return {'rows': [row(node) for node in root.find('s:Body', NS)], 'answers': 1}

    def wire(self, step):
        return {'xml': ET.tostring(self.send(step['xml'])).decode()}

    def shell(self, step):
        shell = self.protocol.open_shell(codepage=65001)
        command = self.protocol.run_command(shell, step['command'], step.get('arguments', []))
        out, err, code = self.protocol.get_command_output(shell, command)
        self.protocol.cleanup_command(shell, command)
        self.protocol.close_shell(shell)
        return {'out': out.decode(), 'err': err.decode(), 'code': code}


def main():
    about = json.load(sys.stdin)
    answers = []
    client = Client(about)
    for step in about['steps']:
        try:
            answers.append({'ok': True, **getattr(client, step['do'])(step)})
        except WinRMTransportError as error:
            text = error.response_text
            answers.append({'ok': False, 'status': error.code, 'fault': fault(text) if text else None, 'error': str(error)})
        except Exception as error:  # InvalidCredentialsError and what requests throws
            answers.append({'ok': False, 'status': None, 'fault': None, 'error': '%s: %s' % (type(error).__name__, error)})
    json.dump(answers, sys.stdout)


main()
