package kerberos

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/internal/test/forge"
)

// TestTicketMustBeForConfiguredService checks that the service must be of the configured realm and, if the
// configuration names services, one of them, whatever keys the keytab has (K-38).
func TestTicketMustBeForConfiguredService(t *testing.T) {
	entries := []forge.Entry{{Service: "cifs/www.example.test", Realm: realm, Version: 3, Key: secret}}
	for _, of := range []string{realm, "OTHER.TEST", strings.ToLower(realm)} {
		entries = append(entries, forge.Entry{Service: service, Realm: of, Version: 3, Key: secret})
	}
	all := check.Must(ParseKeytab(forge.Keytab(entries...)))
	for _, named := range [][]string{nil, {}, {service}} {
		a := acceptor(t, func(c *Config) { c.Keys, c.Services = all, named })
		for _, c := range []struct {
			service, realm string
			want           bool
		}{
			{service, realm, true}, {strings.ToUpper(service), realm, true}, {service, "OTHER.TEST", false},
			{service, strings.ToLower(realm), false}, {"cifs/www.example.test", realm, named == nil},
			{"HTTP/other", realm, false}, {"", realm, false}, {service, "", false},
		} {
			want := c.want && (named == nil || len(named) > 0) // an empty list names none
			check.Equal(t, a.serves(c.service, c.realm), want, "K-38: %v named: %q in %q", named, c.service, c.realm)
		}
	}
}

// TestRequestAndTicketMustBeOfVersionFive checks the versions of the AP-REQ and of its ticket (RFC 4120 5.3, 5.5.1).
func TestRequestAndTicketMustBeOfVersionFive(t *testing.T) {
	a := acceptor(t, nil)
	k := ticket()
	versions := []byte{0xa0, 3, 2, 1, 5} // field 0 of the AP-REQ, then of its ticket
	for i, name := range []string{"the AP-REQ", "the ticket"} {
		blob := k.Blob()
		at := bytes.Index(blob, versions)
		for range i {
			at += 5 + bytes.Index(blob[at+5:], versions)
		}
		check.NoError(t, check.Err(a.Accept(blob, nil)))
		for _, version := range []byte{4, 6} {
			blob[at+4] = version
			check.ErrorIs(t, check.Err(a.Accept(blob, nil)), errAPReq, "version %d of %s", version, name)
		}
	}
	check.ErrorIs(t, check.Err(a.open([]byte{0x6e, 2, 0x30, 0})), errAPReq, "an AP-REQ without fields")
}

// FuzzTicket passes any plaintext to the parsers that run after a ticket's decryption.
func FuzzTicket(f *testing.F) {
	f.Add([]byte("NegTokenInit"), []byte{1, 2})
	a := acceptor(f, nil)
	f.Fuzz(func(t *testing.T, data, more []byte) {
		k := ticket()
		k.PAC, k.PACFromClient = data, more
		check.That(t, check.Err(a.Accept(k.Blob(), nil)) != nil, "Accept of a PAC of any bytes: no error, want one")
	})
}

// data is one entry of authorization data.
func data(kind int32, b ...byte) types.AuthorizationDataEntry {
	return types.AuthorizationDataEntry{ADType: kind, ADData: b}
}

// nest returns one entry that contains the given entries.
func nest(t *testing.T, kind int32, all ...types.AuthorizationDataEntry) types.AuthorizationDataEntry {
	t.Helper()
	b := check.Must(asn1.Marshal(types.AuthorizationData(all)))
	return data(kind, b...)
}

// TestPACIsTakenFromTheTicket checks that the ticket's only PAC is found anywhere in AD-IF-RELEVANT, and no
// other one (K-42).
func TestPACIsTakenFromTheTicket(t *testing.T) {
	one, two := data(adPAC, 1), data(adPAC, 2)
	for name, c := range map[string]struct {
		all  []types.AuthorizationDataEntry
		want []byte
		why  string
	}{
		"nothing": {nil, nil, ""}, "alone": {[]types.AuthorizationDataEntry{nest(t, 1, one)}, []byte{1}, ""},
		"behind another":     {[]types.AuthorizationDataEntry{nest(t, 1, data(141, 9), one)}, []byte{1}, ""},
		"before another":     {[]types.AuthorizationDataEntry{nest(t, 1, one, data(141, 9))}, []byte{1}, ""},
		"in the second":      {[]types.AuthorizationDataEntry{nest(t, 1, data(141, 9)), nest(t, 1, one)}, []byte{1}, ""},
		"outside":            {[]types.AuthorizationDataEntry{one}, nil, ""},
		"in another wrapper": {[]types.AuthorizationDataEntry{nest(t, 4, one)}, nil, ""},
		"two in one":         {[]types.AuthorizationDataEntry{nest(t, 1, one, two)}, nil, "two PACs"},
		"an empty one first": {[]types.AuthorizationDataEntry{nest(t, 1, data(adPAC), one)}, nil, "two PACs"},
		"one in each":        {[]types.AuthorizationDataEntry{nest(t, 1, one), nest(t, 1, two)}, nil, "two PACs"},
		"broken":             {[]types.AuthorizationDataEntry{data(1, 0x30, 5)}, nil, "cannot be read"},
		"broken elsewhere":   {[]types.AuthorizationDataEntry{data(4, 0x30, 5), nest(t, 1, one)}, []byte{1}, ""},
	} {
		o := opened{}
		o.ticket.AuthorizationData = c.all
		o.auth.AuthorizationData = types.AuthorizationData{nest(t, 1, two)}
		got, err := o.pac()
		if !slices.Equal(got, c.want) || (err != nil) != (c.why != "") ||
			err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("K-42: %s: %x, %v, want %x", name, got, err, c.want)
		}
	}
}

// TestChangedTicketFieldIsRejected checks each field of a ticket and its authenticator separately (K-41).
func TestChangedTicketFieldIsRejected(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*opened)
		why    string
		status ntstatus.Status
	}{
		"unchanged":       {func(*opened) {}, "", 0},
		"another version": {func(o *opened) { o.auth.AVNO = 4 }, "another client", 0},
		"another name":    {func(o *opened) { o.auth.CName = principal(1, "bob") }, "another client", 0},
		"a part more":     {func(o *opened) { o.auth.CName = principal(1, "alice/x") }, "another client", 0},
		"another realm":   {func(o *opened) { o.auth.CRealm = "OTHER.TEST" }, "another client", 0},
		"no name in either": {func(o *opened) {
			o.auth.CName, o.ticket.CName = types.PrincipalName{}, types.PrincipalName{}
		}, "no client", 0},
		"no realm in either": {func(o *opened) { o.auth.CRealm, o.ticket.CRealm = "", "" }, "no client", 0},
		"marked invalid":     {func(o *opened) { types.SetFlag(&o.ticket.Flags, 7) }, "invalid", 0},
		"marked by its others": {func(o *opened) {
			types.SetFlag(&o.ticket.Flags, 6)
			types.SetFlag(&o.ticket.Flags, 8)
		}, "", 0},
		"marked, and late": {func(o *opened) {
			types.SetFlag(&o.ticket.Flags, 7)
			o.auth.CTime = noon.Add(time.Hour)
		}, "invalid", 0},
		"valid later": {func(o *opened) { o.ticket.StartTime = noon.Add(time.Minute + time.Second) }, "valid from",
			ntstatus.TimeDifferenceAtDC},
		"valid later by the skew": {func(o *opened) { o.ticket.StartTime = noon.Add(time.Minute) }, "", 0},
		"proved later, no start": {func(o *opened) { o.ticket.AuthTime = noon.Add(time.Minute + time.Second) },
			"valid from", ntstatus.TimeDifferenceAtDC},
		"proved later, started": {func(o *opened) { o.ticket.AuthTime, o.ticket.StartTime = noon.Add(time.Hour), noon },
			"", 0},
		"expired": {func(o *opened) { o.ticket.EndTime = noon.Add(-time.Minute - time.Second) }, "expired",
			ntstatus.TimeDifferenceAtDC},
		"just not expired": {func(o *opened) { o.ticket.EndTime = noon.Add(-time.Minute) }, "", 0},
		"microseconds count": {func(o *opened) { o.auth.CTime, o.auth.Cusec = noon.Add(time.Minute), 1 }, "clocks",
			ntstatus.TimeDifferenceAtDC},
		"a second of them does not": {func(o *opened) { o.auth.CTime, o.auth.Cusec = noon.Add(time.Minute), 1_000_000 },
			"", 0},
	} {
		o := &opened{ticket: messages.EncTicketPart{Flags: types.NewKrbFlags(), CName: principal(1, "alice"), CRealm: realm,
			AuthTime: noon, EndTime: noon.Add(time.Hour)}, auth: types.Authenticator{AVNO: 5, CName: principal(1, "alice"),
			CRealm: realm, CTime: noon}}
		c.change(o)
		err := o.check(noon, time.Minute)
		var f fault
		if (err != nil) != (c.why != "") || err != nil && !strings.Contains(err.Error(), c.why) || errors.As(err,
			&f) != (c.status != 0) || f.status != c.status {
			t.Errorf("K-41: %s: %v, want %q", name, err, c.why)
		}
	}
	for n, want := range map[int]bool{0: true, 1: false, 7: true, 8: false, 9: true, 15: false, 16: false} {
		check.Equal(t, bit([]byte{0x81, 0x40}, n), want, "K-41: bit %d is %t", n, !want)
	}
}
