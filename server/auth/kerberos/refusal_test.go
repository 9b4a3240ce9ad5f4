package kerberos

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/kerberos/pac"
	"github.com/refmon/refmon/server/internal/test/forge"
)

// TestRefusalIsRecordedWithReason checks that the record of each rejection has the documented status, and the client's
// name if a key decrypted the ticket (K-80).
func TestRefusalIsRecordedWithReason(t *testing.T) {
	const named, unnamed = "alice", ""
	for name, c := range map[string]struct {
		want   ntstatus.Status
		client string
		change func(*forge.Ticket)
	}{
		"expired": {ntstatus.TimeDifferenceAtDC, named, func(k *forge.Ticket) { k.End = noon.Add(-time.Hour) }},
		"not yet valid": {ntstatus.TimeDifferenceAtDC, named, func(k *forge.Ticket) {
			k.Start = noon.Add(time.Hour)
		}},
		"a late clock": {ntstatus.TimeDifferenceAtDC, named, func(k *forge.Ticket) {
			k.At = noon.Add(-6 * time.Minute)
		}},
		"an early clock": {ntstatus.TimeDifferenceAtDC, named, func(k *forge.Ticket) {
			k.At = noon.Add(6 * time.Minute)
		}},
		"before the start": {ntstatus.TimeDifferenceAtDC, named, func(k *forge.Ticket) {
			k.At = started.Add(-time.Second)
		}},
		"an unknown version": {ntstatus.MutualAuthFailed, unnamed, func(k *forge.Ticket) { k.Version = 4 }},
		"another key":        {ntstatus.MutualAuthFailed, unnamed, func(k *forge.Ticket) { k.Key = forge.NewKey(18) }},
		"RC4":                {ntstatus.KDCUnknownEtype, unnamed, func(k *forge.Ticket) { k.Key = rc4 }},
		"an RC4 session":     {ntstatus.KDCUnknownEtype, unnamed, func(k *forge.Ticket) { k.SessionType = 23 }},
		"another channel":    {ntstatus.BadBindings, named, func(k *forge.Ticket) { k.Bindings = [16]byte{1} }},
		"NTLM": {ntstatus.NTLMBlocked, unnamed, func(k *forge.Ticket) {
			k.Mechanisms = [][]byte{forge.OIDNTLM}
		}},
		"a domain not let in": {ntstatus.TrustedDomainFailure, named, func(k *forge.Ticket) {
			k.ClientRealm = "OTHER.TEST" // a client of another realm as a user of our domain
		}},
		"no mechanism":       {ntstatus.InvalidParameter, unnamed, func(k *forge.Ticket) { k.Mechanisms = [][]byte{} }},
		"another's PAC":      {ntstatus.LogonFailure, named, func(k *forge.Ticket) { k.PAC = alicePAC(older, nil) }},
		"no PAC":             {ntstatus.LogonFailure, named, func(k *forge.Ticket) { k.PAC = nil }},
		"a ticket not valid": {ntstatus.LogonFailure, named, func(k *forge.Ticket) { k.Invalid = true }},
	} {
		k := ticket()
		c.change(&k)
		_, err := acceptor(t, nil).Accept(k.Blob(), Bindings("tls-server-end-point:x"))
		var r *Refusal
		if !errors.As(err, &r) || r.Status != ntstatus.LogonFailure || r.Reason != c.want || r.Client != c.client {
			t.Errorf("K-80: %s: %+v, want %v and the client %q", name, r, c.want, c.client)
		}
	}
}

// TestTicketRecordIsBounded checks the record of each kind of ticket, with its parts limited in length (K-50, K-80,
// K-81).
func TestTicketRecordIsBounded(t *testing.T) {
	c := &Client{Name: "alice", Realm: realm, Service: "s", AuthTime: noon, PAC: &pac.PAC{}, start: noon.Add(time.Hour),
		end: noon.Add(2 * time.Hour), issuer: "I", etype: 17, used: 18}
	const head = "alice@EXAMPLE.TEST by a ticket for s of 2026-01-02T12:00:00Z (valid from 2026-01-02T13:00:00Z to " +
		"2026-01-02T14:00:00Z, encryption type 17, session key of type 18, issued by I"
	check.Equal(t, c.Proof(), head+")", "K-81")
	c.PAC.Logon.LogonServer = strings.Repeat("d", 513)
	c.PAC.Delegation = &pac.Delegation{Target: "cifs/x"}
	if got := c.Proof(); got != head+", logged on at "+strings.Repeat("d", 512)+
		"…), by delegation through no named service for cifs/x" {
		t.Errorf("K-81: %q", got)
	}
	c.PAC.Logon.LogonServer = strings.Repeat("d", 512)
	for i := range 9 {
		c.PAC.Delegation.Transited = append(c.PAC.Delegation.Transited, fmt.Sprint("t", i))
		c.Identity.Dropped = append(c.Identity.Dropped, pac.Dropped{SID: domain.WithRID(uint32(i)), Why: "w"})
	}
	want := ", logged on at " + strings.Repeat("d", 512) + "), by delegation through t0, t1, t2, t3, t4, t5, " +
		"t6, t7 and 1 more for cifs/x, without 9 SIDs:"
	for i := range 8 {
		want += fmt.Sprintf(" S-1-5-21-10-20-30-%d (w)", i)
	}
	check.Equal(t, c.Proof(), head+want, "K-81")
	long := &Refusal{Status: ntstatus.LogonFailure, Reason: ntstatus.BadBindings, Client: "al\x1bice", Realm: "R\x1b",
		Why: errors.New(strings.Repeat("w", 600))}
	r, st := Refused(fmt.Errorf("x: %w", long))
	if st != ntstatus.LogonFailure || r.Reason != ntstatus.BadBindings || r.Account.Name != "al\uFFFDice" ||
		r.Account.Domain != "R\uFFFD" || len(r.Proof) > 530 ||
		!strings.HasPrefix(r.Proof, "kerberos: al\uFFFDice@R\uFFFD: ww") ||
		!strings.HasSuffix(r.Proof, "w…") {
		t.Errorf("K-80: %v, %+v", st, r)
	}
	if r, st := Refused(errAnswer); st != ntstatus.LogonFailure || r.Reason != 0 || r.Proof != "" {
		t.Errorf(`K-80: another error: %v, %+v, want st = %v, r.Reason = 0, r.Proof = ""`, st, r,
			ntstatus.LogonFailure)
	}
	check.Equal(t, (&Refusal{Realm: "R", Why: errAnswer}).Error(), "kerberos: "+string(errAnswer),
		"K-80: without a client")
	// A token of the maximum length is decoded, a longer one is not.
	a := acceptor(t, nil)
	for n, want := range map[int]error{MaxBlob: errNTLM, MaxBlob + 1: errOuter, MaxBlob + 3: errOuter} {
		blob := append([]byte(ntlmPrefix), make([]byte, n-len(ntlmPrefix))...)
		_, err := accept(a, &logon.Request{Token: logon.Secret(base64.StdEncoding.EncodeToString(blob))})
		check.ErrorIs(t, err, want, "K-35: %d bytes", n)
	}
}
