package logon_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/recordings"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// textOf returns SIDs as sorted text.
func textOf(list []sid.SID) string {
	var out []string
	for _, s := range list {
		out = append(out, s.String())
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// TestLogonKindDeterminesSIDs checks the SIDs of each kind of logon, for accounts of a domain and of
// this computer (L-80, L-83).
func TestLogonKindDeterminesSIDs(t *testing.T) {
	for _, c := range []struct {
		kind         logon.Kind
		local, admin bool
		want         string
	}{
		{logon.Kerberos, false, true, "S-1-18-1 S-1-5-2"},
		{logon.NTLM, false, true, "S-1-5-2 S-1-5-64-10"},
		{logon.Interactive, false, true, "S-1-18-1 S-1-2-0 S-1-2-1 S-1-5-4"},
		{logon.Service, false, true, "S-1-18-1 S-1-2-0 S-1-2-1 S-1-5-6"},
		// No KDC has an account of this computer (L-83).
		{logon.Kerberos, true, false, "S-1-5-113 S-1-5-2 S-1-5-64-10"},
		{logon.NTLM, true, true, "S-1-5-113 S-1-5-114 S-1-5-2 S-1-5-64-10"},
		{logon.Interactive, true, true, "S-1-2-0 S-1-2-1 S-1-5-113 S-1-5-114 S-1-5-4 S-1-5-64-10"},
		{logon.Service, true, false, "S-1-2-0 S-1-2-1 S-1-5-113 S-1-5-6 S-1-5-64-10"},
	} {
		typ, proof := c.kind.Parts(!c.local)
		got := logon.Groups(typ, proof, c.local, c.admin)
		check.Equal(t, textOf(got), c.want, "%v, local %t", c.kind, c.local)
		for _, s := range got {
			if local := s == sid.LocalAccount || s == sid.LocalAccountAdministrator; logon.DependsOnKind(s) == local {
				t.Errorf("%v depends on the kind: %t, want %t", s, !local, local)
			}
		}
		if k, ok := logon.ParseKind(c.kind.String()); !ok || k != c.kind {
			t.Errorf("kind %q reads as %v, %t, want %v, true", c.kind, k, ok, c.kind)
		}
	}
	for p, want := range map[logon.Proof]string{logon.Unproved: "S-1-5-2", logon.ByServiceOnly: "S-1-18-2 S-1-5-2",
		200: "S-1-5-2"} {
		check.Equal(t, textOf(logon.Groups(winnt.LOGON32_LOGON_NETWORK, p, false, false)), want, "L-82: proof %d", p)
	}
	for _, name := range []string{"", "Kerberos", "network", "ntlm "} {
		if k, ok := logon.ParseKind(name); ok {
			t.Errorf("kind %q reads as %v, want none", name, k)
		}
	}
	if got := logon.Kind(9).String(); got != "" {
		t.Errorf(`kind 9 is %q, want ""`, got)
	}
}

// TestAddKeepsGroups checks that Add changes no group that a token has, and that a second call adds nothing.
func TestAddKeepsGroups(t *testing.T) {
	deny := token.Group{SID: sid.NTLMAuthentication, Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY}
	s := token.Spec{Groups: []token.Group{deny, {SID: sid.Administrators}}}
	for range 2 {
		logon.Add(&s, winnt.LOGON32_LOGON_NETWORK, logon.ProvedByNTLM, true)
		var got []sid.SID
		for _, g := range s.Groups {
			got = append(got, g.SID)
		}
		const want = "S-1-5-113 S-1-5-114 S-1-5-2 S-1-5-32-544 S-1-5-64-10"
		if text := textOf(got); text != want || s.Groups[0] != deny {
			t.Errorf("L-80: groups %s, the first %+v, want %s, %+v", text, s.Groups[0], want, deny)
		}
	}
}

// TestLocalAdministratorIsDenyOnly checks that a limited token has the SID of local administrators for denials only.
func TestLocalAdministratorIsDenyOnly(t *testing.T) {
	p := person(allRights, users, "S-1-5-32-544")
	p.Proof = logon.ProvedByNTLM
	r, st := logon.Compose(p, winnt.LOGON32_LOGON_INTERACTIVE)
	check.RequireThat(t, st == 0 && r.Linked != nil, "%v, linked %v, want a pair", st, r.Linked)
	limited, full := sids(r.Token), sids(*r.Linked)
	check.That(t, slices.Contains(limited, "-S-1-5-114") && slices.Contains(limited, "S-1-5-113") &&
		slices.Contains(full, "S-1-5-114"),
		"L-81: limited %v, full %v; want S-1-5-114 deny-only in the limited token", limited, full)
	p.Remote = true
	r, _ = logon.Compose(p, winnt.LOGON32_LOGON_INTERACTIVE)
	if got := sids(*r.Linked); slices.Contains(got, "S-1-5-113") || slices.Contains(got, "S-1-5-114") {
		t.Errorf("L-81: a user of a domain has %v, want no SID of local accounts", got)
	}
}

// logonRow is a recorded event 4627.
type logonRow struct {
	LogonType string
	Groups    []string
	N         int
}

// TestGroupsOfRecordedLogons compares the SIDs of the way to log on with recorded tokens of Windows.
func TestGroupsOfRecordedLogons(t *testing.T) {
	compared := 0
	for i, row := range recordings.Rows[logonRow](t, "windows-events/groups.jsonl") {
		n := check.Must(strconv.Atoi(row.LogonType))
		typ := winnt.LogonType(n)
		has := func(s sid.SID) bool { return slices.Contains(row.Groups, s.String()) }
		switch {
		case typ == 0, typ == winnt.LOGON32_LOGON_NEW_CREDENTIALS:
			continue // the system itself, and copies of the caller's token
		case strings.HasPrefix(row.Groups[0], "S-1-16-"):
			continue // accounts of the window manager and of fonts, which Windows makes itself
		}
		proof, proofs := logon.Unproved, 0
		for p, s := range map[logon.Proof]sid.SID{logon.ProvedToKDC: sid.AuthorityAsserted,
			logon.ByServiceOnly: sid.ServiceAsserted, logon.ProvedByNTLM: sid.NTLMAuthentication} {
			if has(s) {
				proof = p
				proofs++
			}
		}
		check.That(t, proofs == 1, "row %d: %d SIDs of a proof, want 1", i, proofs)
		var want []sid.SID
		for _, s := range []sid.SID{sid.Network, sid.Interactive, sid.Batch, sid.Service, sid.RemoteInteractive, sid.Local,
			sid.ConsoleLogon, sid.LocalAccount, sid.LocalAccountAdministrator, sid.AuthorityAsserted,
			sid.ServiceAsserted, sid.NTLMAuthentication} {
			if has(s) {
				want = append(want, s)
			}
		}
		got := logon.Groups(typ, proof, has(sid.LocalAccount), has(sid.Administrators))
		if typ == winnt.LOGON32_LOGON_UNLOCK { // of remote sessions; one row in five has Local
			got = append(got, sid.RemoteInteractive)
			if !has(sid.Local) {
				want = append(want, sid.Local)
			}
		}
		a, b := textOf(got), textOf(want)
		check.That(t, a == b, "L-80: row %d, type %d: %s, want %s", i, typ, a, b)
		compared++
	}
	check.That(t, compared >= 40, "%d rows were compared, want at least 40", compared)
}
