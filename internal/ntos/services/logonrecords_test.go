package services_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// laterSink keeps records, and the numbers of those that nothing waits for.
type laterSink struct {
	*audit.Memory
	later []uint16
}

func (s *laterSink) WriteLater(e audit.Event) error {
	s.later = append(s.later, e.ID)
	return s.Write(e)
}

// oneName gives one account and LocalSystem the same name.
type oneName struct{ audit.Names }

func (oneName) Account(s sid.SID) (name, domain string, ok bool) {
	return "carol", "CORP", s == sid.MustParse(acting) || s == sid.LocalSystem
}

// The records of a logon, of its refusal and of its end have the account's name, the other session of a pair, and
// where the logon comes from. Nothing waits for those of a user whom only the host knows (L-48, L-49, U-92).
func TestLogonRecordsHaveTheirFields(t *testing.T) {
	sink := &laterSink{Memory: audit.NewMemory(0, 0)}
	log := &audit.Log{Sink: sink, Names: oneName{}}
	w := newWorld(t, kernel.Config{LSA: logon.Example(sid.SID{}), Log: log})
	setEverything(t, log, audit.Options{})
	user := sid.MustParse(acting)
	limited := token.LimitedAdministrator(user)
	full, high := token.Administrator(user), token.StandardUser(user)
	high.Integrity = sid.HighLevel
	from := kernel.LogonSource{Process: "sshd", Package: "kerberos", Proof: "ticket", Address: "192.0.2.1", ClientID: 0x99,
		ClientName: "/bin/sshd"}
	const program = " 0x99 /bin/sshd S-1-5-18 carol" // with the subject
	const source, yes, no = " 4 sshd: ticket kerberos 192.0.2.1 ", "%%1842", "%%1843"
	fields := func() []string {
		return fieldsOf(sink.Memory, "TargetUserName", "TargetDomainName", "TargetLogonId", "TargetLinkedLogonId",
			"LogonType", "LogonProcessName", "AuthenticationPackageName", "IpAddress", "ElevatedToken",
			"VirtualAccount", "ProcessId", "ProcessName", "SubjectUserSid", "SubjectUserName")
	}
	for _, c := range []struct {
		r      logon.Result
		linked string   // ElevatedToken of the linked token; "": there is none
		own    string   // ElevatedToken of the token
		later  []uint16 // records of a user whom only the host knows that nothing waits for
	}{
		{logon.Result{Token: token.StandardUser(user)}, "", no, []uint16{4624, 4634}},
		{logon.Result{Token: high}, "", yes, []uint16{4624, 4634}},
		{logon.Result{Token: limited, Linked: &full}, yes, no, nil},
		{logon.Result{Token: full, Linked: &limited}, no, yes, nil},
		{logon.Result{Token: token.StandardUser(sid.MustParse(client))}, "", no, []uint16{4624, 4634}},
	} {
		for _, peer := range []string{"", "uid 7"} {
			sink.Drain()
			sink.later, from.Peer = nil, peer
			tok, end, err := w.sys.LogOn(c.r)
			check.NoError(t, err)
			want(t, "record", w.sys.RecordLogon(from, winnt.LOGON32_LOGON_BATCH, tok), ntstatus.Success)
			got := slices.DeleteFunc(fields(), func(r string) bool { return strings.HasPrefix(r, "4672 ") })
			own, other := fmt.Sprintf("%#x", uint64(tok.AuthenticationID())), "0x0"
			var started, ended []string
			name := " carol CORP "
			if c.r.Token.User.SID != user {
				name = " - - "
			}
			add := func(id, other, elevated string) {
				started = append(started, "4624"+name+id+" "+other+source+elevated+" "+no+program)
				ended = append(ended, "4634"+name+id+" 4")
			}
			if c.linked != "" {
				other = strings.Fields(got[0])[3]
				add(other, own, c.linked)
			}
			add(own, other, c.own)
			check.SlicesEqual(t, got, started, "records of a logon, peer %q", peer)
			end()
			got = fields()
			slices.Sort(got)
			slices.Sort(ended)
			check.SlicesEqual(t, got, ended, "records of its end, peer %q", peer)
			later := c.later
			if peer == "" {
				later = nil
			}
			check.SlicesEqual(t, sink.later, later, "records that nothing waits for, peer %q", peer)
		}
	}
	for peer, later := range map[string][]uint16{"": nil, "uid 7": {4625}} {
		sink.later, from.Peer = nil, peer
		w.sys.RecordRefusedLogon(from, winnt.LOGON32_LOGON_BATCH, logon.Account{Name: "carol", Domain: "CORP"},
			ntstatus.LogonFailure)
		check.SlicesEqual(t, fields(), []string{"4625 carol CORP" + source[:len(source)-1] + program},
			"record of a refused logon, peer %q", peer)
		check.SlicesEqual(t, sink.later, later, "records that nothing waits for, peer %q", peer)
	}
}

// The records of logons in which no credential was checked are within the rate of the calling process's user, and no
// call waits for them. All records are kept of a checked credential, of a caller with SeTcbPrivilege that vouches for a
// user, and for a process without a user of the host (U-92).
func TestRecordsOfUncheckedLogonsAreLimited(t *testing.T) {
	const calls, rate = 10, 3
	user := sid.MustParse(acting)
	plain, admin, identified := token.StandardUser(user), token.Administrator(user), token.Administrator(user)
	identified.Type, identified.Level = winnt.TokenImpersonation, winnt.SecurityIdentification
	shed, refused := logon.Result{Unchecked: true}, logon.Result{}
	for name, c := range map[string]struct {
		message uint32
		user    string
		result  logon.Result
		status  ntstatus.Status
		tcb     bool
		host    string // the process's user of the host
		records []uint16
		limited bool
	}{
		"shed": {nt.InteractiveLogon, "u", shed, ntstatus.InsufficientResources, false, "uid 7", []uint16{4625}, true},
		"shed, with SeTcbPrivilege": {nt.InteractiveLogon, "u", shed, ntstatus.InsufficientResources, true, "uid 7",
			[]uint16{4625}, true},
		"shed, without a host": {nt.InteractiveLogon, "u", shed, ntstatus.InsufficientResources, false, "",
			[]uint16{4625}, false},
		"a wrong password": {nt.InteractiveLogon, "u", refused, ntstatus.LogonFailure, false, "uid 7", []uint16{4625},
			false},
		"a wrong ticket": {nt.TokenLogon, "", refused, ntstatus.LogonFailure, false, "uid 7", []uint16{4625}, false},
		"a right password": {nt.InteractiveLogon, "u", logon.Result{Token: plain}, 0, false, "uid 7", []uint16{4624},
			false},
		"an expired name": {nt.S4ULogon, "u", refused, ntstatus.AccountExpired, false, "uid 7", []uint16{4625}, true},
		"a name":          {nt.S4ULogon, "u", logon.Result{Token: plain}, 0, false, "uid 7", []uint16{4624}, true},
		"a name, with SeTcbPrivilege": {nt.S4ULogon, "u", logon.Result{Token: plain}, 0, true, "uid 7", []uint16{4624},
			false},
		"an administrator's name": {nt.S4ULogon, "u", logon.Result{Token: identified}, 0, false, "uid 7",
			[]uint16{4624, 4672}, true},
		"an administrator's token": {nt.S4ULogon, "u", logon.Result{Token: admin}, 0, false, "uid 7",
			[]uint16{4624, 4672}, false},
		"anonymous": {nt.InteractiveLogon, "", logon.AnonymousLogon(), 0, false, "uid 7", []uint16{4624}, true},
	} {
		sink := &laterSink{Memory: audit.NewMemory(0, 0)}
		var privileges []winnt.Privilege
		if c.tcb {
			privileges = append(privileges, winnt.SeTcbPrivilege)
		}
		s, w, th := logonWorld(t, sink, privileges...)
		s.result, s.status = c.result, c.status
		w.quota.SetUser(c.host)
		w.sys.PeerRecords().SetRate(rate)
		sink.Drain()
		sink.later = nil
		var all []uint16
		for range calls {
			out, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
				AuthenticationInformation: nt.LogonInformation{MessageType: c.message, UserName: c.user}})
			if want(t, name, st, c.status); out.Token != 0 {
				check.Success(t, th.NtClose(out.Token))
			}
			all = append(all, c.records...)
		}
		var got []uint16
		for _, e := range sink.Drain() {
			if e.ID != 4634 {
				got = append(got, e.ID)
			}
		}
		var later []uint16
		if c.limited {
			all = all[:rate]
			later = all
		}
		isEnd := func(id uint16) bool { return id == 4634 }
		check.SlicesEqual(t, got, all, "%s: records of %d logons, with a rate of %d", name, calls, rate)
		check.SlicesEqual(t, slices.DeleteFunc(sink.later, isEnd), later, "%s: records that no call waits for", name)
	}
}

// The address that a program states for its client is printable in the record (L-64).
func TestStatedAddressIsPrintable(t *testing.T) {
	m := audit.NewMemory(0, 0)
	_, _, th := logonWorld(t, m, winnt.SeTcbPrivilege)
	in := plainLogon(winnt.LOGON32_LOGON_NETWORK)
	in.OriginName = "192.0.2.1\x1b[31m\n7"
	m.Drain()
	out := check.Result(th.LsaLogonUser(in))
	got := fieldsOf(m, "IpAddress")
	check.That(t, len(got) == 1 && strings.HasPrefix(got[0], "4624 192.0.2.1") && !strings.ContainsAny(got[0], "\x1b\n"),
		"record %q, want the address without control characters", got)
	check.Success(t, th.NtClose(out.Token))
}
