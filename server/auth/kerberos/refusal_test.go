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
	"github.com/refmon/refmon/sid"
)

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
	got := c.Proof()
	check.That(t, got == head+", logged on at "+strings.Repeat("d", 512)+
		"…), by delegation through no named service for cifs/x", "K-81: %q", got)
	c.PAC.Logon.LogonServer = strings.Repeat("d", 512)
	for i := range 9 {
		c.PAC.Delegation.Transited = append(c.PAC.Delegation.Transited, fmt.Sprint("t", i))
		c.Identity.Dropped = append(c.Identity.Dropped, pac.Dropped{SID: domain.WithRID(uint32(i)), Why: "w"})
	}
	want := ", logged on at " + strings.Repeat("d", 512) +
		"), by delegation through t0, t1, t2, t3, t4, t5, t6, t7 and 1 more for cifs/x, without 9 SIDs:"
	for i := range 8 {
		want += fmt.Sprintf(" S-1-5-21-10-20-30-%d (w)", i)
	}
	check.Equal(t, c.Proof(), head+want, "K-81")
	k, foreign := ticket(), sid.MustParse("S-1-5-21-40-50-60")
	k.ClientRealm = "OTHER.TEST"
	k.PAC = alicePAC(secret, func(p *forge.PAC) { p.Domain, p.Requestor = foreign, foreign.WithRID(1104) })
	c = check.Must(acceptor(t, nil).Accept(k.Blob(), nil))
	check.That(t, strings.HasPrefix(c.Proof(), "alice@OTHER.TEST by ") && strings.Contains(c.Proof(),
		", issued by EXAMPLE.TEST,"), "K-81: a client of another realm: %q", c.Proof())
	long := &Refusal{Status: ntstatus.LogonFailure, Reason: ntstatus.BadBindings, Client: "al\x1bice", Realm: "R\x1b",
		Why: errors.New(strings.Repeat("w", 600))}
	r, st := RejectedLogon(fmt.Errorf("x: %w", long))
	if st != ntstatus.LogonFailure || r.Reason != ntstatus.BadBindings || r.Account.Name != "al\uFFFDice" ||
		r.Account.Domain != "R\uFFFD" || len(r.Proof) > 530 ||
		!strings.HasPrefix(r.Proof, "kerberos: al\uFFFDice@R\uFFFD: ww") ||
		!strings.HasSuffix(r.Proof, "w…") {
		t.Errorf("K-80: %v, %+v", st, r)
	}
	if r, st := RejectedLogon(errAnswer); st != ntstatus.LogonFailure || r.Reason != 0 || r.Proof != "" {
		t.Errorf("K-80: another error: %v, %+v, want %v without a reason and a proof", st, r, ntstatus.LogonFailure)
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
