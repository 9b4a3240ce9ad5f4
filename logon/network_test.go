package logon_test

import (
	"net/netip"
	"testing"

	"github.com/refmon/refmon/logon"
)

func TestNetwork(t *testing.T) {
	for at, want := range map[string]string{"192.0.2.1": "192.0.2.1/32", "::ffff:192.0.2.1": "192.0.2.1/32",
		"2001:db8:0:1::9": "2001:db8:0:1::/64", "fe80::1%eth0": "fe80::/64"} {
		if got := logon.Network(netip.MustParseAddr(at)).String(); got != want {
			t.Errorf("%s counts as %s, want %s", at, got, want)
		}
	}
	if got := logon.Network(netip.Addr{}); got.IsValid() {
		t.Errorf("no address counts as %v", got)
	}
}
