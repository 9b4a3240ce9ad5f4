package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	api "github.com/refmon/refmon/server/gateway/refmonv1"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestWhoCanAndLookUpReturnFullResponses checks complete responses of WhoCan, LookUp, Token and Services. More names
// than the limit are an error (G-25, G-26).
func TestWhoCanAndLookUpReturnFullResponses(t *testing.T) {
	w := newExactly(t, shared)
	alice, bob, carol := w.sids["alice"].String(), w.sids["bob"].String(), w.sids["carol"].String()
	w.file("f", "f", "O:{carol}G:SYD:P(D;;WD;;;{bob})(A;;0x3;;;{bob})(A;;0x1;;;{alice})(A;;0x20000;;;{bob})"+
		"(A;;SD;;;S-1-5-21-1-2-3-4)(A;;0x80;;;WD)")
	const file, name = `"object":{"path":"/share/f"}`, `"name":`
	both := func(mask uint32, names string) string { return granted(mask|0x80, names) }
	grant := func(s, name, g string) string {
		if name != "" {
			name = `,"name":"` + name + `"`
		}
		return `{"sid":"` + s + `"` + name + "," + g + "}"
	}
	w.diff("WhoCan", w.call("bob", "WhoCan", `{`+file+`}`), `200 {"grants":[`+grant(carol, `HOST\\carol`, both(0x60000,
		"FILE_READ_ATTRIBUTES READ_CONTROL WRITE_DAC"))+","+grant(bob, `HOST\\bob`, both(0x20003,
		"FILE_READ_DATA FILE_WRITE_DATA FILE_READ_ATTRIBUTES READ_CONTROL"))+","+grant(alice, `HOST\\alice`, both(1,
		"FILE_READ_DATA FILE_READ_ATTRIBUTES"))+","+grant("S-1-5-21-1-2-3-4", "", both(0x10000,
		"FILE_READ_ATTRIBUTES DELETE"))+","+grant("S-1-1-0", "Everyone", both(0, "FILE_READ_ATTRIBUTES"))+`]}`)
	w.diff("WhoCan of accounts", w.call("bob", "WhoCan", `{`+file+`,"accounts":["alice","mallory","carol"]}`),
		`200 {"grants":[{"name":"alice",`+both(1, "FILE_READ_DATA FILE_READ_ATTRIBUTES")+
			`},{"name":"mallory","error":"account: STATUS_LOGON_FAILURE"},{"name":"carol",`+both(0x60000,
			"FILE_READ_ATTRIBUTES READ_CONTROL WRITE_DAC")+`}]}`)
	sids := func(n int) (entries string) {
		for i := range n {
			entries += fmt.Sprintf("(A;;FR;;;S-1-5-21-1-1-1-%d)", i)
		}
		return entries
	}
	many := func(n int) string { return strings.TrimSuffix(strings.Repeat(`"x",`, n), ",") }
	const tooMany = `400 {"code":"invalid_argument","message":"too many questions in one call: split them"}`
	w.diff("WhoCan without READ_CONTROL", w.call("alice", "WhoCan", `{`+file+`}`),
		`403 {"code":"permission_denied","message":"STATUS_ACCESS_DENIED"}`)
	whoCan := func(descriptor string) string { return w.call("bob", "WhoCan", `{"object":{"sddl":"`+descriptor+`"}}`) }
	w.diff("WhoCan of a descriptor with 101 SIDs", whoCan("O:SYG:SYD:"+sids(100)),
		`400 {"code":"invalid_argument","message":"the descriptor names more than 100 users and groups: ask about single `+
			`accounts"}`)
	check.That(t, strings.HasPrefix(whoCan("O:SYG:SYD:"+sids(99)+sids(1)), "200 "),
		"WhoCan of a descriptor with 100 SIDs fails")
	w.diff("WhoCan of 101 accounts", w.call("bob", "WhoCan", `{`+file+`,"accounts":[`+many(101)+`]}`), tooMany)
	w.diff("WhoCan of 100 accounts", w.call("bob", "WhoCan", `{`+file+`,"accounts":[`+many(100)+`]}`), `200 {"grants":[`+
		strings.TrimSuffix(strings.Repeat(`{"name":"x","error":"account: STATUS_LOGON_FAILURE"},`, 100), ",")+`]}`)
	w.diff("LookUp", w.call("bob", "LookUp",
		`{"names":["alice","HOST\\stranger","Everyone","BUILTIN\\Administrators"],"sids":["`+bob+
			`","S-1-5-21-9-9-9-9","S-1-5-32-544","S-1-1-0"]}`),
		`200 {"found":[{"name":"alice","domain":"HOST","sid":"`+alice+
			`"},{"name":"HOST\\stranger"},{"name":"Everyone","sid":"S-1-1-0"},`+
			`{"name":"BUILTIN\\Administrators","domain":"BUILTIN",`+
			`"sid":"S-1-5-32-544"},{"name":"HOST\\bob","sid":"`+bob+`"},{"sid":"S-1-5-21-9-9-9-9"},`+
			`{"name":"BUILTIN\\Administrators","sid":"S-1-5-32-544"},{"name":"Everyone","sid":"S-1-1-0"}]}`)
	w.diff("LookUp of nothing", w.call("bob", "LookUp", `{}`),
		`400 {"code":"invalid_argument","message":"names and sids are missing: give one of them"}`)
	if got := w.call("bob", "LookUp", `{"sids":["S-1-x"]}`); !strings.HasPrefix(got, `400 {"code":"invalid_argument"`) {
		t.Errorf(`LookUp of an invalid SID: %s, want text starting with "400 {"code":"invalid_argument""`, got)
	}
	w.diff("LookUp of 1001", w.call("bob", "LookUp", `{"names":[`+many(1000)+`],"sids":["S-1-1-0"]}`), tooMany)
	if got := w.call("bob", "LookUp", `{"names":[`+many(999)+`],"sids":["S-1-1-0"]}`); !strings.HasPrefix(got, "200 ") ||
		strings.Count(got, `"name":"x"`) != 999 {
		t.Errorf("LookUp of 1000: %.200s", got)
	}
	w.diff("Token", w.call("bob", "Token", `{}`), w.tokenOf("bob"))
	type service struct{ Name, Summary, Missing string }
	var got, want struct{ Services []service }
	for r := range nt.NtTable.All {
		i := r.Info()
		want.Services = append(want.Services, service{i.Name, i.Summary, i.Missing})
	}
	w.must(json.Unmarshal([]byte(strings.TrimPrefix(w.call("bob", "Services", `{}`), "200 ")), &got))
	check.DeepEqual(t, got, want, "Services")
}

// tokenOf formats Token's response for a user from refmond's data of the token.
func (w *exactly) tokenOf(user string) string {
	w.Helper()
	p := check.Must(w.g.link.process())
	var b strings.Builder
	fmt.Fprintf(&b, `200 {"user":"%s","name":"HOST\\%s","level":"SecurityImpersonation","groups":[`, w.sids[user], user)
	p.sessions.mu.Lock()
	defer p.sessions.mu.Unlock()
	for _, s := range p.sessions.known {
		if s.user != w.sids[user] {
			continue
		}
		p.do(w.Context(), func(th *nt.Thread) ntstatus.Status {
			groups, _ := th.NtQueryInformationToken(s.token, winnt.TokenGroups)
			privileges, st := th.NtQueryInformationToken(s.token, winnt.TokenPrivileges)
			for i, g := range groups.([]token.Group) {
				fmt.Fprintf(&b, `%s{"sid":"%s","attributes":%d}`, ","[:min(i, 1)], g.SID, g.Attributes)
			}
			b.WriteString(`],"privileges":[`)
			for i, p := range privileges.([]nt.LUIDAndAttributes) {
				fmt.Fprintf(&b, `%s"%s"`, ","[:min(i, 1)], winnt.Privilege(p.LUID))
			}
			return st
		})
	}
	return b.String() + "]}"
}

// TestGrantsOfEachSIDAreComputedAlone checks the rights of each SID in a descriptor on its own, as the group of an
// unknown user. The owner has its implicit rights. Audit entries add no SID, and a descriptor without a DACL has only
// its owner.
func TestGrantsOfEachSIDAreComputedAlone(t *testing.T) {
	w := newExactly(t, shared)
	p := check.Must(w.g.link.process())
	q := &request{g: w.g, s: &session{p: p}, ctx: t.Context()}
	for descriptor, want := range map[string]string{
		"O:SYG:BAD:(A;;FR;;;BA)(D;;0x1;;;BA)(A;;FW;;;SY)S:(AU;SA;FA;;;BU)": "S-1-5-18 0x160116, S-1-5-32-544 0x120089",
		"O:SYG:SY":                              "S-1-5-18 0x1f01ff",
		"G:SYD:(A;;FR;;;SY)":                    "S-1-5-18 0x120089",
		"O:BAG:SYD:(A;;0x1;;;OW)(A;IO;FA;;;BU)": "S-1-5-32-544 0x1, S-1-3-4 0x0, S-1-5-32-545 0x0",
		// No entry names the unknown user.
		"O:SYG:SYD:(A;;FA;;;S-1-5-21-0-0-0-1)(A;;FR;;;BA)": "S-1-5-18 0x60000, S-1-5-21-0-0-0-1 0x1f01ff, " +
			"S-1-5-32-544 0x120089",
	} {
		var got []string
		grants, more, _ := q.grants(sddl.MustParse(descriptor))
		check.That(t, !more, "%s: more SIDs than there are", descriptor)
		for _, g := range grants {
			one := fmt.Sprintf("%s %#x", g.GetSid(), g.GetGranted().GetMask())
			if g.GetError() != "" {
				one = g.GetSid() + " STATUS"
			}
			got = append(got, one)
		}
		check.Equal(t, strings.Join(got, ", "), want, "%s", descriptor)
	}
	var entries strings.Builder
	for i := range 200 {
		fmt.Fprintf(&entries, "(A;;FR;;;S-1-5-21-1-1-1-%d)", i)
	}
	list, more, _ := q.grants(sddl.MustParse("O:SYG:SYD:" + entries.String()))
	if !more || len(list) != 100 || list[0].GetSid() != sid.LocalSystem.String() ||
		list[99].GetSid() != "S-1-5-21-1-1-1-98" {
		t.Errorf("%d entries, the last is %s, want the first 100, from LocalSystem on", len(list), list[len(list)-1].GetSid())
	}
	for n, want := range map[int]string{maxNamed - 1: "Everyone", maxNamed: ""} {
		entries.Reset()
		for i := range n {
			fmt.Fprintf(&entries, "(A;;FR;;;S-1-5-21-1-1-1-%d)", i)
		}
		q := w.newRequest("bob")
		name := q.namesIn(sddl.MustParse("D:" + entries.String() + "(A;;FR;;;WD)"))
		check.Equal(t, name(sid.Everyone), want, "the name of the SID after %d others", n)
	}
}

// TestEvaluationsWaitForProcessorUntilRequestEnds checks that the gateway's own access checks leave processors to other
// requests, that users take turns, that a failed check frees its processor, and that a question whose request has ended
// makes no further one (G-56).
func TestEvaluationsWaitForProcessorUntilRequestEnds(t *testing.T) {
	w := newExactly(t, shared)
	q := w.newRequest("bob")
	ctx, end := context.WithCancel(t.Context())
	q.ctx = ctx
	d := sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)")
	places := max(runtime.GOMAXPROCS(0)/2, 1)
	soon, late := context.WithTimeout(t.Context(), 10*time.Second)
	defer late()
	check.ErrorIs(t, q.evaluate(func() error { return errCrowded }), errCrowded, "G-56: a failed check")
	for i := range places {
		check.RequireThat(t, w.g.evaluations.Enter(soon, ""), "G-56: place %d of %d", i, places)
	}
	var asking sync.WaitGroup
	turns := make(chan string, 3)
	for i, who := range []string{"bob", "bob", "alice"} {
		other := w.newRequest(who)
		asking.Go(func() {
			check.NoError(t, other.evaluate(func() error { turns <- who; return nil }))
		})
		check.Eventually(t, func() bool { return w.g.evaluations.Waiting() > i }, "G-56: check %d does not wait", i)
	}
	w.g.evaluations.Leave()
	asking.Wait()
	check.Equal(t, <-turns+" "+<-turns+" "+<-turns, "bob alice bob", "G-56: the turns of users")
	check.That(t, w.g.evaluations.Enter(soon, ""), "G-56: the place is not free again")
	asking.Go(func() {
		grants, _, _ := q.grants(d)
		for _, g := range grants {
			check.Equal(t, g.GetError(), "context canceled", "G-56: %s", g.GetSid())
		}
	})
	check.Eventually(t, func() bool { return w.g.evaluations.Waiting() > 0 }, "G-56: no check waits")
	end()
	asking.Wait()
	for range places {
		w.g.evaluations.Leave()
	}
	check.ErrorIs(t, q.evaluate(nil), context.Canceled, "G-56: with a free processor")
	_, err := service{w.g}.WhoCan(context.WithValue(ctx, sessionKey{}, q.s), connect.NewRequest(&api.WhoCanRequest{
		Object: &api.Object{Object: &api.Object_Sddl{Sddl: "O:SYG:SYD:"}}}))
	check.ErrorIs(t, err, context.Canceled, "G-56: WhoCan")
}
