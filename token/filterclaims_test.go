package token_test

import (
	"testing"

	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// T-67: what NtFilterTokenEx adds.
func TestFilterDevice(t *testing.T) {
	a, b, c := account(4001), account(4002), account(4003)
	s := setup()
	s.DeviceGroups = []token.Group{{SID: a, Attributes: token.GroupDefault}, {SID: b, Attributes: token.GroupDefault}}
	n := filter(t, must(t, s), token.FilterSpec{DisableDevice: []sid.SID{a}, RestrictDevice: restricting(b, c)})
	if n.DeviceBits().Has(0) || !n.DeviceDenyBits().Has(0) || !n.DeviceBits().Has(1) {
		t.Error("T-67: device group a must be deny-only, b untouched")
	}
	n = filter(t, n, token.FilterSpec{RestrictDevice: restricting(c)})
	n = filter(t, n, token.FilterSpec{RestrictDevice: restricting(a)})
	if n = filter(t, n, token.FilterSpec{RestrictDevice: restricting(c)}); n.RestrictedDeviceSet() == nil ||
		n.RestrictedDeviceSet().Len() != 0 {
		t.Error("T-67: the empty intersection must not become no list")
	}
}
