package kerberos

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/bounded"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/forge"
)

// TestMalformedFirstTokenIsRejected checks first tokens whose fields are absent, empty or foreign, and trailing data
// after the mechanism list, the token or the offer. Each one is rejected with an error (K-35, K-36).
func TestMalformedFirstTokenIsRejected(t *testing.T) {
	k := ticket()
	k.Raw = true
	token := k.Blob()
	ntlm := []byte("NTLMSSP\x00\x01\x00\x00\x00")
	list, octets, more := forge.DER(0x30, forge.OIDKerberos), forge.DER(4, token), []byte{5, 0}
	offer := func(list, token, behind []byte) []byte {
		fields := forge.DER(0x30, forge.DER(0xa0, list), forge.DER(0xa2, token))
		return forge.DER(0x60, []byte{6, 6, 0x2b, 6, 1, 5, 5, 2}, forge.DER(0xa0, fields), behind)
	}
	for name, c := range map[string]struct {
		blob []byte
		want error
	}{
		"nothing":                    {nil, errOuter},
		"NTLM":                       {ntlm, errNTLM},
		"NTLM said to be Kerberos":   {forge.Init([][]byte{forge.OIDKerberos}, ntlm), errNTLM},
		"no mechanisms":              {forge.Init(nil, token), errOuter},
		"empty mechanisms":           {forge.Init([][]byte{}, token), errOuter},
		"no token":                   {forge.Init([][]byte{forge.OIDKerberos}, nil), errNoToken},
		"an empty token":             {forge.Init([][]byte{forge.OIDKerberos}, []byte{}), errOuter},
		"no fields":                  {forge.Init(nil, nil), errOuter},
		"an offer of such parts":     {offer(list, octets, nil), nil},
		"data after the list":        {offer(slices.Concat(list, more), octets, nil), errOuter},
		"data after the token":       {offer(list, slices.Concat(octets, more), nil), errOuter},
		"data after the offer":       {offer(list, octets, more), errOuter},
		"a later token":              {forge.DER(0xa1, forge.DER(0x30)), errOuter},
		"trailing bytes":             {append(forge.Init([][]byte{forge.OIDKerberos}, token), 0), errOuter},
		"an AP-REP":                  {forge.DER(0x60, forge.OIDKerberos, []byte{2, 0}, k.Request()), errOuter},
		"no kind of token":           {forge.DER(0x60, forge.OIDKerberos), errOuter},
		"Kerberos without an AP-REQ": {forge.DER(0x60, forge.OIDKerberos, []byte{1, 0}), errAPReq},
	} {
		check.ErrorIs(t, check.Err(acceptor(t, nil).Accept(c.blob, nil)), c.want, "K-35: %s", name)
	}
}

func FuzzOuter(f *testing.F) {
	k := ticket()
	f.Add(k.Blob())
	k.Raw = true
	f.Add(k.Blob())
	f.Add(forge.Init(nil, nil))
	a := acceptor(f, nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		bounded.Run(t, len(b), func() {
			n, err := parseOuter(b)
			check.That(t, err != nil || bytes.Contains(b, n.apReq),
				"the returned AP-REQ is not a part of the token, want it to be")
			c, err := a.Accept(b, nil)
			check.That(t, (c == nil) != (err == nil), "Accept: %v with error %v, want one of them", c, err)
		})
	})
}

// TestPreferredMechanismDecides checks that the client's preferred mechanism decides, and that each rejected list has
// its own error (K-35, K-36).
func TestPreferredMechanismDecides(t *testing.T) {
	other := []byte{6, 1, 0x2b}
	k := ticket()
	k.Raw = true
	token := k.Blob()
	many := func(n int, last []byte) (all [][]byte) {
		for range n - 1 {
			all = append(all, forge.OIDKerberos)
		}
		return append(all, last)
	}
	for name, c := range map[string]struct {
		offered [][]byte
		want    error
		first   []byte // in DER without tag and length
	}{
		"Kerberos": {[][]byte{forge.OIDKerberos}, nil, oidKerberos}, "Microsoft's": {[][]byte{forge.OIDMSKerberos}, nil,
			oidMSKerberos}, "both": {[][]byte{forge.OIDMSKerberos, forge.OIDKerberos}, nil, oidMSKerberos},
		"before NTLM": {[][]byte{forge.OIDKerberos, forge.OIDNTLM}, nil, oidKerberos}, "NTLM": {[][]byte{forge.OIDNTLM},
			errNTLM, nil}, "another and NTLM": {[][]byte{other, forge.OIDNTLM}, errNTLM, nil},
		"another":                {[][]byte{other}, errOuter, nil},
		"another first":          {[][]byte{other, forge.OIDKerberos}, errNotFirst, nil},
		"NTLM, then Microsoft's": {[][]byte{forge.OIDNTLM, forge.OIDMSKerberos}, errNotFirst, nil},
		"NTLM last":              {[][]byte{forge.OIDNTLM, other}, errNTLM, nil},
		"as many as may be":      {many(32, other), nil, oidKerberos}, "one more": {many(33, other), errOuter, nil},
		"no identifier after it": {[][]byte{forge.OIDKerberos, {4, 0}}, errOuter, nil},
	} {
		n, err := parseOuter(forge.Init(c.offered, token))
		check.That(t, errors.Is(err, c.want) && slices.Equal(n.mech, c.first) && n.spnego == (c.want == nil) &&
			(len(n.apReq) > 0) == (c.want == nil),
			"K-35: %s: %v, %x, want %v, %x", name, err, n.mech, c.want, c.first)
	}
	if n, err := parseOuter(token); err != nil || n.spnego || !slices.Equal(n.mech, oidKerberos) {
		t.Errorf("K-35: a token without SPNEGO: %+v, %v, want the mechanism %v, no SPNEGO, no error", n, err,
			oidKerberos)
	}
	// A token can name Kerberos as older Windows does.
	old := bytes.Replace(token, forge.OIDKerberos, forge.OIDMSKerberos, 1)
	n, err := parseOuter(forge.Init([][]byte{forge.OIDMSKerberos}, old))
	check.That(t, err == nil && len(n.apReq) > 0, "K-35: a token with Microsoft's identifier: %+v, %v", n, err)
	// The reply names the mechanism that the client offered.
	n = negotiation{spnego: true, mech: oidMSKerberos}
	want := forge.DER(0xa1, forge.DER(0x30, forge.DER(0xa0, []byte{10, 1, 0}), forge.DER(0xa1, forge.OIDMSKerberos)))
	got := n.answer(nil)
	check.That(t, slices.Equal(got, want), "K-48: the answer is %x, want %x", got, want)
	want = forge.DER(0x60, forge.OIDKerberos, []byte{2, 0, 7})
	got = (&negotiation{mech: oidMSKerberos}).answer([]byte{7})
	check.That(t, slices.Equal(got, want), "K-48: the answer is %x, want %x", got, want)
	got = (&negotiation{}).answer(nil)
	check.That(t, got == nil, "K-48: reply without SPNEGO = %x, want nil", got)
}
