package adrights_test

import (
	"testing"

	"github.com/refmon/refmon/adrights"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// Nobody reads the attributes of MS-DRSR 4.1.10.3.11, IsSecretAttribute. Others, property sets and unknown GUIDs can be
// readable (B-55).
func TestSecretAttributesMatchMSDRSR(t *testing.T) {
	for name, want := range map[string]bool{
		"currentValue": true, "dBCSPwd": true, "initialAuthIncoming": true, "initialAuthOutgoing": true,
		"lmPwdHistory": true, "ntPwdHistory": true, "priorValue": true, "supplementalCredentials": true,
		"trustAuthIncoming": true, "trustAuthOutgoing": true, "unicodePwd": true,
		"pwdHistoryLength": false, "member": false, "Public-Information": false, "user": false,
	} {
		e, ok := adrights.Find(name)
		got := adrights.Secret(e.GUID)
		check.That(t, ok && got == want, "%s: %t, found %t, want %t", name, got, ok, want)
	}
	check.That(t, !adrights.Secret(winnt.GUID{}), "no attribute is a secret one, want not")
}
