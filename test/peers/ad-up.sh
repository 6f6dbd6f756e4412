#!/bin/bash
# A Samba domain controller for tests, in a network namespace of its own: realm SLM.TEST, users, a web service, computers, the
# DNS entries of KMS hosts. Usage: ad-up.sh DIRECTORY NAMESPACE; needs root. All passwords here are for this domain only.
# Debian: samba samba-ad-dc samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind ldb-tools krb5-user bind9-dnsutils
#         iproute2 (--no-install-recommends; never libnss-winbind, which would enter this machine's own logons).
set -eu
dir=$1 ns=$2
ip=10.77.0.10 web=10.77.0.11 password='Passw0rd!2026'
dc=$dir/dc conf=$dc/etc/smb.conf
rm -rf "$dir"; mkdir -p "$dc/run/winbindd"; : > "$dir/empty.conf"

ip netns add "$ns"
ip -n "$ns" link set lo up
ip -n "$ns" addr add $ip/24 dev lo
ip -n "$ns" addr add $web/24 dev lo
# "ip netns exec" lays these over the machine's own, for its child only.
mkdir -p "/etc/netns/$ns"
printf 'nameserver %s\nsearch slm.test\n' $ip > "/etc/netns/$ns/resolv.conf"
printf '127.0.0.1 localhost\n%s dc1.slm.test dc1\n%s web.slm.test web\n' $ip $web > "/etc/netns/$ns/hosts"
cat > "$dir/krb5.conf" <<EOF
[libdefaults]
 default_realm = SLM.TEST
 dns_lookup_kdc = false
 rdns = false
 dns_canonicalize_hostname = false
[realms]
 SLM.TEST = {
  kdc = $ip
 }
[domain_realm]
 .slm.test = SLM.TEST
EOF
export KRB5_CONFIG=$dir/krb5.conf
in_ns() { ip netns exec "$ns" "$@"; }
tool() { in_ns samba-tool "$@" -s "$conf" > /dev/null; }
over_net() { in_ns samba-tool "$@" -U "Administrator%$password" -s "$conf" > /dev/null; }

in_ns samba-tool domain provision -s "$dir/empty.conf" --realm=SLM.TEST --domain=SLM --server-role=dc --dns-backend=SAMBA_INTERNAL \
  --adminpass="$password" --host-name=dc1 --host-ip=$ip --targetdir="$dc" \
  --option="interfaces=lo $ip" --option="bind interfaces only=yes" --option="dns forwarder=" --option="log file=$dc/samba.log" \
  --option="pid directory=$dc/run" --option="ncalrpc dir=$dc/run/ncalrpc" --option="winbindd socket directory=$dc/run/winbindd" \
  --option="ntp signd socket directory=$dc/run/ntp_signd" > "$dir/provision.log" 2>&1
# prefork: one process for each service instead of one for each connection.
ip netns exec "$ns" setsid samba -s "$conf" -F --no-process-group -M prefork > "$dir/samba.out" 2>&1 &
for _ in $(seq 1 200); do
  in_ns dig +short +time=1 +tries=1 @$ip _ldap._tcp.slm.test SRV 2>/dev/null | grep -q 389 && break
  sleep 0.1
done

tool user create alice 'Al1ce!2026'
tool user create http-web 'W3b!2026xyz'
tool spn add HTTP/web.slm.test http-web
# The name that WinRM registers; here another account has it, as where HTTP belongs to a web service.
tool user create winrm-web 'W3b!2026xyz'
tool spn add WSMAN/web.slm.test winrm-web
{
  # 24: AES only, as a Windows computer account has.
  for user in http-web winrm-web; do
    printf 'dn: CN=%s,CN=Users,DC=slm,DC=test\nchangetype: modify\nreplace: msDS-SupportedEncryptionTypes\nmsDS-SupportedEncryptionTypes: 24\n\n' $user
  done
  for i in 1 2 3; do
    tool computer create "WS$i"
    over_net dns add $ip slm.test "ws$i" A "10.77.0.2$i"
    # Created computers are disabled until userAccountControl is 4096.
    printf 'dn: CN=WS%s,CN=Computers,DC=slm,DC=test\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: 4096\n-\nreplace: dNSHostName\ndNSHostName: ws%s.slm.test\n-\nreplace: operatingSystem\noperatingSystem: Windows 11 Enterprise\n\n' "$i" "$i"
  done
} > "$dir/changes.ldif"
ldbmodify -H "$dc/private/sam.ldb" --configfile="$conf" "$dir/changes.ldif" > /dev/null
tool domain exportkeytab "$dir/web.keytab" --principal=HTTP/web.slm.test
tool domain exportkeytab "$dir/wsman.keytab" --principal=WSMAN/web.slm.test
tool domain exportkeytab "$dir/alice.keytab" --principal=alice
for entry in 'kms1 A 10.77.0.50' 'kms2 A 10.77.0.51'; do over_net dns add $ip slm.test $entry; done
# target, port, priority, weight
over_net dns add $ip slm.test _vlmcs._tcp SRV 'kms1.slm.test 1688 0 100'
over_net dns add $ip slm.test _vlmcs._tcp SRV 'kms2.slm.test 1688 10 50'
