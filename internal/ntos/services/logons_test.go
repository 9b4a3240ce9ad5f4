package services_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/ntos/ps"
	"github.com/refmon/refmon/internal/ntos/services"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// scripted returns the test's answer to each logon and keeps the last request.
type scripted struct {
	*logon.Memory
	result logon.Result
	status ntstatus.Status
	asked  logon.Request
}

func (s *scripted) LogOn(r logon.Request) (logon.Result, ntstatus.Status) {
	s.asked = r
	return s.result, s.status
}

// logonWorld has a thread of svc that impersonates client. Logons on it are answered by a script.
func logonWorld(t *testing.T, sink audit.Sink, privileges ...winnt.Privilege) (*scripted, *world, *nt.Thread) {
	t.Helper()
	s := &scripted{Memory: logon.Example(sid.SID{})}
	s.result.Token = token.StandardUser(sid.MustParse(acting))
	log := &audit.Log{Sink: sink}
	w := newWorld(t, kernel.Config{LSA: s, Log: log})
	setEverything(t, log, audit.Options{})
	th, k := w.thread(w.process("winlogon", append(privileges, winnt.SeImpersonatePrivilege)...))
	w.impersonate(k, client, winnt.SecurityImpersonation, privileges...)
	t.Cleanup(k.PsRevertToSelf)
	return s, w, th
}

// plainLogon returns the request to log on the user u without a password.
func plainLogon(typ winnt.LogonType) nt.LsaLogonUserIn {
	return nt.LsaLogonUserIn{LogonType: typ,
		AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: "u"}}
}

// fieldsOf returns some fields of the records since the last call.
func fieldsOf(m *audit.Memory, names ...string) (out []string) {
	for _, e := range m.Drain() {
		text := fmt.Sprint(e.ID)
		for _, n := range names {
			if v, ok := e.Field(n); ok {
				text += " " + v
			}
		}
		out = append(out, text)
	}
	return out
}

// The record of a logon, granted or refused, has the package of its message and the authority's proof (K-50, L-48,
// L-49).
func TestLogonRecordHasPackageAndProof(t *testing.T) {
	m := audit.NewMemory(0, 0)
	s, w, th := logonWorld(t, m)
	for message, pkg := range map[uint32]string{nt.InteractiveLogon: "password", nt.S4ULogon: "s4u",
		nt.TokenLogon: "kerberos"} {
		for status, id := range map[ntstatus.Status]string{ntstatus.Success: "4624", ntstatus.LogonFailure: "4625"} {
			s.status, s.result.Proof = status, "ticket 7"
			m.Drain()
			out, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
				AuthenticationInformation: nt.LogonInformation{MessageType: message, UserName: "u"}})
			want(t, pkg, st, status)
			wanted := id + " " + pkg + " LsaLogonUser: ticket 7"
			got := fieldsOf(m, "AuthenticationPackageName", "LogonProcessName")
			check.That(t, slices.Equal(got, []string{wanted}), "record of the logon = %q, want %q", got, wanted)
			proved := w.sys.Proved()
			if st != ntstatus.Success {
				continue
			}
			if len(proved) != 1 || proved[0].Proof != "ticket 7" || proved[0].Session != out.LogonID ||
				proved[0].User != sid.MustParse(acting) {
				t.Errorf("sessions with a proof = %+v, want one with ticket 7 and this logon's id and user", proved)
			}
			check.Success(t, th.NtClose(out.Token))
			left := w.sys.Proved()
			check.That(t, len(left) == 0, "sessions with a proof after the logoff: %+v, want none", left)
		}
	}
	for proof, name := range map[string]string{"": "4625 - - -", "ticket 7": "4625 -: ticket 7 - -"} {
		from := kernel.LogonSource{Proof: proof}
		m.Drain()
		w.sys.RecordRefusedLogon(from, winnt.LOGON32_LOGON_NETWORK, logon.Account{}, ntstatus.LogonFailure)
		check.SlicesEqual(t, fieldsOf(m, "LogonProcessName", "AuthenticationPackageName", "IpAddress"), []string{name},
			"record without a process, proof %q", proof)
	}
}

// A logon is requested by the process, not by the impersonated client. A refusal is recorded with the returned
// status, with the reason if it differs, and with the account or else at most 64 bytes of each name. The status does
// not reveal that a name is unknown (L-32, L-33, L-35, L-49).
func TestRefusedLogonIsRecordedWithItsReason(t *testing.T) {
	m := audit.NewMemory(0, 0)
	s, _, th := logonWorld(t, m)
	user, domain := strings.Repeat("u", 65), strings.Repeat("d", 63)+"é" // the last character ends at byte 65
	for _, c := range []struct {
		status, reason, said, sub ntstatus.Status
		record                    string
	}{
		{ntstatus.LogonFailure, ntstatus.WrongPassword, ntstatus.LogonFailure, 0, "0xc000006d 0xc000006a %%2313"},
		{ntstatus.WrongPassword, 0, ntstatus.LogonFailure, 0, "0xc000006d 0xc000006a %%2313"},
		{ntstatus.NoSuchUser, 0, ntstatus.LogonFailure, 0, "0xc000006d 0xc0000064 %%2313"},
		{ntstatus.LogonFailure, 0, ntstatus.LogonFailure, 0, "0xc000006d 0x0 %%2313"},
		{ntstatus.AccountDisabled, 0, ntstatus.AccountRestriction, ntstatus.AccountDisabled,
			"0xc000006e 0xc0000072 %%2310"},
		{ntstatus.PasswordExpired, 0, ntstatus.AccountRestriction, ntstatus.PasswordExpired,
			"0xc000006e 0xc0000071 %%2309"},
		// Limits of an account (L-66).
		{ntstatus.InvalidLogonHours, 0, ntstatus.AccountRestriction, ntstatus.InvalidLogonHours,
			"0xc000006e 0xc000006f %%2311"},
		{ntstatus.InvalidWorkstation, 0, ntstatus.AccountRestriction, ntstatus.InvalidWorkstation,
			"0xc000006e 0xc0000070 %%2312"},
		{ntstatus.AccountExpired, 0, ntstatus.AccountExpired, 0, "0xc0000193 0x0 %%2305"},
		{ntstatus.PasswordMustChange, 0, ntstatus.PasswordMustChange, 0, "0xc0000224 0x0 %%2309"},
		{ntstatus.AccountLockedOut, ntstatus.AccountDisabled, ntstatus.AccountLockedOut, 0,
			"0xc0000234 0xc0000072 %%2310"},
		{ntstatus.AccountLockedOut, 0, ntstatus.AccountLockedOut, 0, "0xc0000234 0x0 %%2307"},
		{ntstatus.LogonTypeNotGranted, 0, ntstatus.LogonTypeNotGranted, 0, "0xc000015b 0x0 %%2308"},
		{ntstatus.NoLogonServers, 0, ntstatus.NoLogonServers, 0, "0xc000005e 0x0 %%2304"},
	} {
		s.status, s.result.Reason = c.status, c.reason
		for _, account := range []logon.Account{{}, {SID: sid.MustParse(acting), Name: "known", Domain: "domain"}} {
			s.result.Account = account
			m.Drain()
			out, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
				AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: user,
					LogonDomainName: domain}})
			if want(t, c.status.String(), st, c.said); out.SubStatus != c.sub || out.Token != 0 {
				t.Errorf("authority's status %v: result %+v, want substatus %v and no token", c.status, out, c.sub)
			}
			got := fieldsOf(m, "Status", "SubStatus", "FailureReason", "TargetUserName", "TargetDomainName",
				"TargetUserSid", "SubjectUserSid", "ProcessName")
			who := user[:64] + " " + domain[:63] + " S-1-0-0"
			if account.Name != "" {
				who = "known domain " + acting
			}
			wanted := "4625 " + c.record + " " + who + " " + client + " winlogon"
			check.That(t, sameWords(got, wanted), "authority's status %v: record %q, want %q", c.status, got, wanted)
		}
	}
	check.That(t, s.asked.Caller == sid.MustParse(svc) && !s.asked.Tcb && s.asked.Name == user &&
		s.asked.Domain == domain, "logon request = %+v, want caller %s without SeTcbPrivilege, and the whole names",
		s.asked, svc)
	for _, groups := range [][]token.Group{{}, {{SID: sid.Everyone}}} {
		_, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK, LocalGroups: nt.Cap(groups),
			AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: "u"}})
		want(t, "L-33: groups of one's own", st, ntstatus.PrivilegeNotHeld)
	}
}

// sameWords reports whether one record has these words, in any order.
func sameWords(got []string, want string) bool {
	if len(got) != 1 {
		return false
	}
	a, b := strings.Fields(got[0]), strings.Fields(want)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// A logon has one session, or two if its user has two tokens, until its handle is closed. A token has as many groups
// as fit together with the logon SID, and the refusal of more is recorded (L-4, L-10, L-49).
func TestLogonBeyondMaxGroupsIsRejected(t *testing.T) {
	m := audit.NewMemory(0, 0)
	s, w, th := logonWorld(t, m, winnt.SeTcbPrivilege)
	user := sid.MustParse("S-1-5-21-1-2-3-500")
	full, limited := token.Administrator(user), token.LimitedAdministrator(user)
	crowd := func(n int) (spec token.Spec) {
		spec = token.StandardUser(user)
		for i := len(spec.Groups); i < n; i++ {
			spec.Groups = append(spec.Groups, token.Group{SID: sid.MustParse("S-1-5-21-9-9-9").WithRID(uint32(i)),
				Attributes: token.GroupDefault})
		}
		return spec
	}
	for name, c := range map[string]struct {
		result   logon.Result
		sessions int
		want     ntstatus.Status
	}{
		"a user with one token":  {logon.Result{Token: limited}, 1, ntstatus.Success},
		"a user with two tokens": {logon.Result{Token: limited, Linked: &full}, 2, ntstatus.Success},
		"as many groups as fit":  {logon.Result{Token: crowd(token.MaxGroups - 1)}, 1, ntstatus.Success},
		"one group more":         {logon.Result{Token: crowd(token.MaxGroups)}, 0, ntstatus.TooManyContextIDs},
	} {
		before := w.sys.LogonSessions()
		s.result = c.result
		m.Drain()
		out, st := th.LsaLogonUser(plainLogon(winnt.LOGON32_LOGON_INTERACTIVE))
		want(t, name, st, c.want)
		refused := slices.Contains(fieldsOf(m, "Status", "SubStatus"), "4625 0xc000015a 0x0")
		check.Equal(t, refused, st != ntstatus.Success, "L-49: %s: the refusal is recorded", name)
		check.Equal(t, w.sys.LogonSessions()-before, c.sessions, "%s: logon added: sessions", name)
		if out.Token != 0 {
			check.Success(t, th.NtClose(out.Token))
		}
		left := w.sys.LogonSessions() - before
		check.That(t, left == 0, "%s: %d sessions after the handle is closed, want 0", name, left)
	}
}

// A logon charges the user for the linked token too, which the session keeps, until the handle is closed. Without the
// quota for it the logon fails and returns no session.
func TestLogonChargesLinkedToken(t *testing.T) {
	s, w, th := logonWorld(t, audit.NewMemory(0, 0), winnt.SeTcbPrivilege)
	user := sid.MustParse("S-1-5-21-1-2-3-500")
	full, limited := token.Administrator(user), token.LimitedAdministrator(user)
	size := int64(check.Must(token.New(full)).HeapSize())
	s.result.Token = limited
	first := check.Result(th.LsaLogonUser(plainLogon(winnt.LOGON32_LOGON_NETWORK))) // also charges the handle table
	check.Success(t, th.NtClose(first.Token))
	block := w.quota
	logOn := func(linked *token.Spec) (charged int64, st ntstatus.Status) {
		t.Helper()
		s.result = logon.Result{Token: limited, Linked: linked}
		before := block.Used()
		out, st := th.LsaLogonUser(plainLogon(winnt.LOGON32_LOGON_NETWORK))
		charged = block.Used() - before
		check.Equal(t, out.LogonID != 0, st == ntstatus.Success, "%v: the call returns a session", st)
		if st == ntstatus.Success {
			check.Success(t, th.NtClose(out.Token))
		}
		check.Equal(t, block.Used(), before, "bytes charged afterwards")
		return charged, st
	}
	alone := check.Result(logOn(nil))
	both := check.Result(logOn(&full))
	check.That(t, both-alone >= size, "the linked token of %d bytes is charged with %d", size, both-alone)
	block = kernel.NewQuotaBlock(nil, 2*alone+size, false) // a client gets half of it
	th.Services().(*services.Context).Thread().Process().SetQuota(block)
	want(t, "log on without quota for the linked token", check.Status(logOn(&full)), ntstatus.QuotaExceeded)
	want(t, "log on with quota for one token", check.Status(logOn(nil)), ntstatus.Success)
	// Without a client each user that logs on has a share of the quota.
	w.sys.KernelMode(th).PsRevertToSelf()
	th.Services().(*services.Context).Thread().Process().SetQuota(kernel.NewQuotaBlock(nil, 7*alone/2, false))
	for i, wanted := range []ntstatus.Status{ntstatus.Success, ntstatus.QuotaExceeded, ntstatus.Success} {
		user := sid.MustParse([]string{client, client, acting}[i])
		s.result = logon.Result{Token: token.LimitedAdministrator(user)}
		want(t, "log on", check.Status(th.LsaLogonUser(plainLogon(winnt.LOGON32_LOGON_NETWORK))), wanted)
	}
}

// The audit policy of the user who logs on applies in addition to the system's, also to a connection of a user of the
// host (L-48, U-92).
func TestLogonFollowsAuditPolicyOfItsUser(t *testing.T) {
	m := audit.NewMemory(0, 0)
	s, w, th := logonWorld(t, m, winnt.SeTcbPrivilege)
	full := token.Administrator(sid.MustParse("S-1-5-21-1-2-3-500"))
	s.result = logon.Result{Token: full}
	for sub, id := range map[audit.Subcategory]string{audit.Logon: "4624", audit.SpecialLogon: "4672",
		audit.Logoff: "4634"} {
		p := check.Must(audit.NewPolicy(audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{},
			Users: map[sid.SID]map[audit.Subcategory]audit.UserSetting{
				sid.MustParse(acting):               {sub: audit.UserSetting{Include: audit.OnSuccess}},
				sid.MustParse("S-1-5-21-1-2-3-500"): {sub: audit.UserSetting{Include: audit.OnFailure}}}}))
		w.sys.Audit().Policy.Store(p)
		for _, who := range []string{acting, "S-1-5-21-1-2-3-500", "S-1-5-21-1-2-3-501"} {
			spec := token.Administrator(sid.MustParse(who))
			s.result = logon.Result{Token: spec}
			m.Drain()
			out := check.Result(th.LsaLogonUser(plainLogon(winnt.LOGON32_LOGON_NETWORK)))
			check.Success(t, th.NtClose(out.Token))
			var wanted []string
			if who == acting {
				wanted = []string{id}
			}
			check.SlicesEqual(t, fieldsOf(m), wanted, "policy of user %s for %v: records", who, sub)
			tok, end, err := w.sys.LogOn(logon.Result{Token: token.StandardUser(sid.MustParse(who))})
			check.NoError(t, err)
			w.sys.RecordLogon(kernel.LogonSource{Peer: "uid 7"}, winnt.LOGON32_LOGON_NETWORK, tok)
			if end(); sub == audit.SpecialLogon { // the user has no sensitive privilege
				wanted = nil
			}
			check.SlicesEqual(t, fieldsOf(m), wanted, "policy of user %s for %v: records of a connection", who, sub)
		}
	}
}

// A logon is special if its token holds a sensitive privilege, enabled or not. Its record names these privileges and
// SeDelegateSessionUserImpersonatePrivilege, in the order of network logons (L-48, U-200).
func TestSpecialLogonNamesSensitivePrivileges(t *testing.T) {
	m := audit.NewMemory(0, 0)
	s, w, th := logonWorld(t, m, winnt.SeTcbPrivilege)
	p := check.Must(audit.NewPolicy(audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{
		audit.SpecialLogon: audit.OnBoth}}))
	w.sys.Audit().Policy.Store(p)
	for _, c := range []struct {
		held, enabled winnt.PrivilegeSet
		want          []string
	}{
		{0, 0, nil}, {winnt.SeUndockPrivilege.Bit(), winnt.SeUndockPrivilege.Bit(), nil},
		{winnt.SeDebugPrivilege.Bit(), winnt.SeDebugPrivilege.Bit(), []string{"4672 SeDebugPrivilege"}},
		{winnt.SeDebugPrivilege.Bit(), 0, []string{"4672 SeDebugPrivilege"}},
		{winnt.Privileges(winnt.SeDebugPrivilege, winnt.SeUndockPrivilege), winnt.SeUndockPrivilege.Bit(),
			[]string{"4672 SeDebugPrivilege"}},
		{winnt.SeDelegateSessionUserImpersonatePrivilege.Bit(), 0, nil},
		{winnt.Privileges(winnt.SeTcbPrivilege, winnt.SeTakeOwnershipPrivilege, winnt.SeBackupPrivilege,
			winnt.SeDelegateSessionUserImpersonatePrivilege), 0, []string{"4672 SeBackupPrivilege\r\n\t\t\t" +
			"SeTakeOwnershipPrivilege\r\n\t\t\tSeDelegateSessionUserImpersonatePrivilege\r\n\t\t\tSeTcbPrivilege"}},
	} {
		spec := token.StandardUser(sid.MustParse(acting))
		spec.Privileges, spec.EnabledPrivileges, spec.DefaultPrivileges = c.held, c.enabled, c.enabled
		s.result = logon.Result{Token: spec}
		m.Drain()
		out := check.Result(th.LsaLogonUser(plainLogon(winnt.LOGON32_LOGON_NETWORK)))
		check.SlicesEqual(t, fieldsOf(m, "PrivilegeList"), c.want,
			"token holds %v, enabled %v: record of the special logon", c.held, c.enabled)
		check.Success(t, th.NtClose(out.Token))
	}
}

// The records of a logon and of its end are an administrator's if the token is one, and so have the whole reserve of a
// full log (U-93).
func TestLogonRecordsOfAdministratorAreMarked(t *testing.T) {
	m := audit.NewMemory(0, 0)
	s, w, th := logonWorld(t, m, winnt.SeTcbPrivilege)
	user := sid.MustParse(acting)
	full, limited := token.Administrator(user), token.LimitedAdministrator(user)
	marks := func() (out []string) {
		for _, e := range m.Drain() {
			out = append(out, fmt.Sprint(e.ID, " ", e.ByAdministrator()))
		}
		slices.Sort(out)
		return out
	}
	for name, c := range map[string]struct {
		result logon.Result
		want   []string
	}{
		"a user":           {logon.Result{Token: token.StandardUser(user)}, []string{"4624 false", "4634 false"}},
		"an administrator": {logon.Result{Token: full}, []string{"4624 true", "4634 true", "4672 true"}},
		"a pair": {logon.Result{Token: limited, Linked: &full},
			[]string{"4624 true", "4624 true", "4634 false", "4634 true", "4672 true"}},
		"a reversed pair": {logon.Result{Token: full, Linked: &limited},
			[]string{"4624 true", "4624 true", "4634 false", "4634 true", "4672 true"}},
	} {
		s.result = c.result
		m.Drain()
		out := check.Result(th.LsaLogonUser(plainLogon(winnt.LOGON32_LOGON_NETWORK)))
		check.Success(t, th.NtClose(out.Token))
		check.SlicesEqual(t, marks(), c.want, "%s: records, and whether they are an administrator's", name)
		tok, end, err := w.sys.LogOn(c.result)
		check.NoError(t, err)
		w.sys.RecordLogon(kernel.LogonSource{Peer: "uid 7"}, winnt.LOGON32_LOGON_NETWORK, tok)
		end()
		check.SlicesEqual(t, marks(), c.want, "%s: records of a connection, and whether they are an administrator's", name)
	}
}

// The record of a logon has the token's impersonation level, and "-" for a primary token. A contradictory token is
// refused with the reason (L-48, L-10).
func TestLogonRecordHasImpersonationLevel(t *testing.T) {
	m := audit.NewMemory(0, 0)
	s, _, th := logonWorld(t, m, winnt.SeTcbPrivilege)
	plain := token.StandardUser(sid.MustParse(acting))
	identified, impersonated, delegated, foreign := plain, plain, plain, plain
	impersonated.Type, impersonated.Level = winnt.TokenImpersonation, winnt.SecurityImpersonation
	identified.Type, identified.Level = winnt.TokenImpersonation, winnt.SecurityIdentification
	delegated.Type, delegated.Level = winnt.TokenImpersonation, winnt.SecurityDelegation
	foreign.Owner = sid.MustParse("S-1-5-21-9-9-9-9")
	for name, c := range map[string]struct {
		spec token.Spec
		want ntstatus.Status
		code string
	}{"primary": {plain, ntstatus.Success, "%%1833"}, "identified": {identified, ntstatus.Success, "%%1832"},
		"impersonated": {impersonated, ntstatus.Success, "%%1833"}, "delegated": {delegated, ntstatus.Success, "%%1833"},
		"foreign": {foreign, ntstatus.InvalidOwner, ""}} {
		s.result = logon.Result{Token: c.spec}
		m.Drain()
		_, st := th.LsaLogonUser(plainLogon(winnt.LOGON32_LOGON_NETWORK))
		want(t, name, st, c.want)
		got := fieldsOf(m, "ImpersonationLevel")
		check.That(t, st != ntstatus.Success || slices.Equal(got, []string{"4624 " + c.code}),
			"%s: record = %q, want 4624 with the level %s", name, got, c.code)
	}
}

// A logon that creates no token leaves no session, whichever of its two tokens is invalid. A successful one leaves
// none after its tokens are released (L-10).
func TestFailedLogonLeavesNoSession(t *testing.T) {
	boot := check.Must(token.New(token.LocalSystem()))
	s := &services.System{System: ps.New(nt.Documented, ob.NewKernelTable(0), boot, 0)}
	user, other := sid.MustParse("S-1-5-21-1-2-3-500"), sid.MustParse("S-1-5-21-1-2-3-501")
	full, limited := token.Administrator(user), token.LimitedAdministrator(user)
	stranger, broken := token.Administrator(other), token.Administrator(user)
	broken.User.SID = sid.SID{}
	for name, c := range map[string]struct {
		r    logon.Result
		good bool
	}{
		"one token":                     {logon.Result{Token: full}, true},
		"a user with two tokens":        {logon.Result{Token: limited, Linked: &full}, true},
		"two tokens of different users": {logon.Result{Token: limited, Linked: &stranger}, false},
		"token without user":            {logon.Result{Token: broken}, false},
		"second token without user":     {logon.Result{Token: limited, Linked: &broken}, false},
		"empty result":                  {logon.Result{}, false},
	} {
		first := s.Security.AllocateLUID()
		v, end, st := s.OpenSession(&c.r)
		check.That(t, (st == ntstatus.Success) == c.good && (v != nil) == c.good,
			"%s: OpenSession = token %v, %v, want success = %t", name, v, st, c.good)
		if c.good {
			check.That(t, s.Security.Sessions.Known(v.AuthenticationID()),
				"%s: the token's session is unknown, want it open", name)
			end()
		}
		last := s.Security.AllocateLUID()
		for id := first; id < last; id++ {
			check.That(t, !s.Security.Sessions.Known(id), "%s: session %v still exists, want it closed", name, id)
		}
	}
}

// The token of a logon belongs to the terminal session of the calling process and has the token source of the
// request.
func TestLogonUsesCallersSession(t *testing.T) {
	_, th := threadOf(t, kernel.Config{LSA: logon.Example(sid.SID{})}, token.LocalSystem())
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
	in := nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK, AuthenticationInformation: nt.LogonInformation{
		MessageType: nt.InteractiveLogon, UserName: "User", Password: logon.ExamplePassword}}
	unreadable := in
	unreadable.SourceContext.Status = unread(1)
	want(t, "a source that cannot be read", check.Status(th.LsaLogonUser(unreadable)), unread(1))
	// The thread impersonates a client of another session.
	client := check.Result(th.NtDuplicateToken(own, winnt.TOKEN_ALL_ACCESS, &nt.ObjectAttributes{
		SecurityQualityOfService: &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityImpersonation}}, false,
		winnt.TokenImpersonation))
	check.Success(t, th.NtSetInformationThread(winnt.NtCurrentThread, nt.ThreadImpersonationToken, client))
	for _, session := range []uint32{7, 0} {
		check.Require(t, th.NtSetInformationToken(own, winnt.TokenSessionId, session), ntstatus.Success,
			"NtSetInformationToken")
		for _, source := range []*token.Source{nil, {Name: "tests"}} {
			in.SourceContext = nt.Cap(source)
			out := check.Result(th.LsaLogonUser(in))
			if got, st := th.NtQueryInformationToken(out.Token, winnt.TokenSessionId); got != session {
				t.Errorf("TokenSessionId of the new token = %v, %v; want %d", got, st, session)
			}
			got, st := th.NtQueryInformationToken(out.Token, winnt.TokenSource)
			if s, ok := got.(token.Source); !ok || (s.Name == "tests") != (source != nil) {
				t.Errorf("TokenSource of the new token = %v, %v; want the source of the request, %v", got, st, source)
			}
			th.NtClose(out.Token)
		}
	}
}
