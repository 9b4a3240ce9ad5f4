package host

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/auth/admission"
)

// fakeHost is a fake host with a service and a getent that record each query.
type fakeHost struct {
	*Names
	t       *testing.T
	mu      sync.Mutex
	queries []string
	open    int        // open connections
	ended   *sync.Cond // of mu: signalled when a connection is closed
	late    bool
	notes   string
}

// newFakeHost starts a service whose replies are selected by "Method key=value more". getent contains the cases of a
// shell script that prints the replies of getent.
func newFakeHost(t *testing.T, service answers, getent string) *fakeHost {
	t.Helper()
	dir := t.TempDir()
	h := &fakeHost{t: t, notes: filepath.Join(dir, "notes"), Names: &Names{socket: filepath.Join(dir, "s"),
		getent: filepath.Join(dir, "getent")}}
	h.ended = sync.NewCond(&h.mu)
	script := "#!/bin/sh\necho \"getent $*\" >> " + h.notes + "\ncase \"$*\" in\n" + getent + "\n*) exit 2 ;;\nesac\n"
	check.NoError(t, os.WriteFile(h.getent, []byte(script), 0o700))
	l, err := net.Listen("unix", h.socket)
	check.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go h.serveConn(c, service)
		}
	}()
	return h
}

// serveConn answers one query and waits until the client closes the connection.
func (h *fakeHost) serveConn(c net.Conn, service answers) {
	defer c.Close()
	in := bufio.NewReader(c)
	text, err := in.ReadBytes(0)
	if err != nil {
		return
	}
	var q struct {
		Method     string         `json:"method"`
		More       bool           `json:"more"`
		Parameters map[string]any `json:"parameters"`
	}
	key := "no question"
	question := json.NewDecoder(bytes.NewReader(text[:len(text)-1]))
	question.UseNumber()
	if err := question.Decode(&q); err == nil && q.Parameters["service"] == "io.systemd.Multiplexer" {
		key, _ = strings.CutPrefix(q.Method, "io.systemd.UserDatabase.")
		for _, name := range []string{"uid", "userName", "gid", "groupName"} {
			if v, ok := q.Parameters[name]; ok {
				key += fmt.Sprintf(" %s=%v", name, v)
			}
		}
		if q.More {
			key += " more"
		}
	}
	h.mu.Lock()
	h.queries = append(h.queries, key)
	h.open++
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.open--
		h.ended.Broadcast()
	}()
	all, ok := service[key]
	if !ok {
		all = []string{`{"error":"io.systemd.UserDatabase.NoRecordFound"}`}
	}
	for _, answer := range all {
		if _, err := c.Write(append([]byte(answer), 0)); err != nil {
			return
		}
	}
	_, _ = in.ReadByte()
}

// questions returns the queries since the last call, after all connections have ended.
func (h *fakeHost) questions() string {
	h.t.Helper()
	defer time.AfterFunc(10*time.Second, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.late = true
		h.ended.Broadcast()
	}).Stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.open > 0 && !h.late {
		h.ended.Wait()
	}
	check.RequireThat(h.t, !h.late, "a conversation is never closed")
	all := h.queries
	h.queries = nil
	b, _ := os.ReadFile(h.notes) // the file does not exist before the first query
	_ = os.Remove(h.notes)
	return strings.Join(append(all, strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")...), "; ")
}

// TestUsersTakeTurnsAtService checks that the connections to the service are limited, and that a user's lookup does not
// wait for all those of another user's subordinate uids (L-85).
func TestUsersTakeTurnsAtService(t *testing.T) {
	file := filepath.Join(t.TempDir(), "subuid")
	check.NoError(t, os.WriteFile(file, []byte("mallory:100000:65536\n"), 0o600))
	h := newFakeHost(t, answers{"GetUserRecord uid=2000": {user("two", 2000, 100)}}, "")
	h.subids.Names = []string{file}
	synctest.Test(t, func(t *testing.T) {
		slots := admission.NewPool(0, 99) // none is free
		h.Names.mu.Lock()
		h.connections = slots
		h.Names.mu.Unlock()
		for _, uid := range []uint32{100000, 100001, 100002, 2000} {
			go h.UserName(t.Context(), uid)
			synctest.Wait()
		}
		go h.UID(t.Context(), "alice")
		synctest.Wait()
		go h.memberships(t.Context(), "2000", "two")
		synctest.Wait()
		check.Equal(t, slots.Waiting(), 6, "L-85: lookups that wait for a connection")
		slots.Leave() // one is free
		synctest.Wait()
		check.Equal(t, slots.Waiting(), 0, "lookups that wait after the others")
	})
	var order []string
	for q := range strings.SplitSeq(h.questions(), "; ") {
		if strings.HasPrefix(q, "Get") {
			order = append(order, q)
		}
	}
	check.SlicesEqual(t, order, []string{"GetUserRecord uid=100000", "GetUserRecord uid=2000",
		"GetUserRecord userName=alice", "GetUserRecord uid=100001", "GetMemberships userName=two more",
		"GetUserRecord uid=100002"}, "L-85: lookups in the order of their turns")
}

// TestServiceIsQueriedBeforeGetent checks that a lookup first sends one query to the service, and runs getent if the
// service has no such entry, returns another one, an ambiguous or a malformed one, or fails (L-14, L-56). The service
// alone works on a host without getent.
func TestServiceIsQueriedBeforeGetent(t *testing.T) {
	const away = `{"error":"io.systemd.UserDatabase.ServiceNotAvailable"}`
	h := newFakeHost(t, answers{
		"GetUserRecord uid=1": {user("one", 1, 100)}, "GetUserRecord userName=one": {user("one", 1, 100)},
		"GetGroupRecord gid=10": {group("ten", 10)}, "GetGroupRecord groupName=ten": {group("ten", 10)},
		"GetUserRecord uid=2": {user("one", 1, 100)}, "GetUserRecord userName=two": {user("one", 1, 100)},
		"GetGroupRecord gid=20": {group("ten", 10)}, "GetGroupRecord groupName=twenty": {group("ten", 10)},
		"GetUserRecord uid=3": {user("", 3, 100)}, "GetGroupRecord gid=30": {group("", 30)},
		"GetUserRecord uid=4": {away}, "GetUserRecord userName=four": {away},
		"GetGroupRecord gid=40": {away}, "GetGroupRecord groupName=forty": {away},
		"GetUserRecord uid=4294967295":    {user("last", 1<<32-1, 1)},
		"GetUserRecord userName=last":     {user("last", 1<<32-1, 1)},
		"GetUserRecord userName=beyond":   {user("beyond", 1<<32, 1)},
		"GetGroupRecord groupName=last":   {group("last", 1<<32-1)},
		"GetGroupRecord groupName=beyon":  {group("beyon", 1<<32)},
		"GetUserRecord userName=text":     {`{"parameters":{"record":{"userName":"text","uid":"x","gid":1}}}`},
		"GetUserRecord userName=list":     {`{"parameters":[]}`},
		"GetUserRecord userName=garbage":  {`]`},
		"GetUserRecord userName=silent":   {},
		"GetUserRecord userName=negative": {`{"parameters":{"record":{"userName":"negative","uid":-1,"gid":1}}}`},
		"GetUserRecord userName=twice": {`{"parameters":{"record":{"userName":"twice","uid":5,"gid":5}},"continues":true}`,
			user("twice", 6, 5)},
		"GetUserRecord userName=same": {`{"parameters":{"record":{"userName":"same","uid":5,"gid":5}},"continues":true}`,
			user("same", 5, 5)},
		"GetUserRecord userName=othergid": {
			`{"parameters":{"record":{"userName":"othergid","uid":5,"gid":5}},"continues":true}`,
			user("othergid", 5, 6)},
	}, `"passwd 2" | "passwd two") echo two:x:2:200:::: ;;
"passwd 4" | "passwd four") echo four:x:4:400::: ;;
"passwd 5") echo six:x:6:1::: ;;
"passwd five") echo six:x:5:1::: ;;
"passwd 6") echo six:x:6:::: ;;
"passwd 7") echo :x:7:7::: ;;
"passwd 8") echo eight:x:8:4294967296::: ;;
"passwd 9") echo nine:x:9:4294967295::: ;;
"group 40" | "group forty") echo forty:x:40: ;;
"group 50") echo sixty:x:60: ;;
"group fifty") echo sixty:x:50: ;;
"group 60") echo sixty:x:60:a:b ;;
"group 70") echo seventy:x:-70: ;;
"group 80") echo eighty:x:80 ;;
"group 90") printf ninety:x:90: ;;
"group 100") echo :x:100: ;;`)
	ctx := context.Background()
	name := func(f func(context.Context, uint32) (string, bool), id uint32) func() (string, bool) {
		return func() (string, bool) { return f(ctx, id) }
	}
	number := func(f func(context.Context, string) (uint32, bool), name string) func() (string, bool) {
		return func() (string, bool) { n, ok := f(ctx, name); return fmt.Sprint(n), ok }
	}
	for _, c := range []struct {
		call    func() (string, bool)
		want    string // "" for unknown
		queries string
	}{
		{name(h.UserName, 1), "one", "GetUserRecord uid=1; "}, {number(h.UID, "one"), "1", "GetUserRecord userName=one; "},
		{name(h.GroupName, 10), "ten", "GetGroupRecord gid=10; "},
		{number(h.GID, "ten"), "10", "GetGroupRecord groupName=ten; "},
		{name(h.UserName, 2), "", "GetUserRecord uid=2; getent passwd 2"}, // eight fields
		{number(h.UID, "two"), "", "GetUserRecord userName=two; getent passwd two"},
		{name(h.GroupName, 20), "", "GetGroupRecord gid=20; getent group 20"},
		{number(h.GID, "twenty"), "", "GetGroupRecord groupName=twenty; getent group twenty"},
		{name(h.UserName, 3), "", "GetUserRecord uid=3; "}, {name(h.GroupName, 30), "", "GetGroupRecord gid=30; "},
		{name(h.UserName, 4), "four", "GetUserRecord uid=4; getent passwd 4"},
		{number(h.UID, "four"), "4", "GetUserRecord userName=four; getent passwd four"},
		{name(h.GroupName, 40), "forty", "GetGroupRecord gid=40; getent group 40"},
		{number(h.GID, "forty"), "40", "GetGroupRecord groupName=forty; getent group forty"},
		{name(h.UserName, 1<<32-1), "last", "GetUserRecord uid=4294967295; "},
		{number(h.UID, "last"), "4294967295", "GetUserRecord userName=last; "},
		{number(h.UID, "beyond"), "", "GetUserRecord userName=beyond; getent passwd beyond"},
		{number(h.GID, "last"), "4294967295", "GetGroupRecord groupName=last; "},
		{number(h.GID, "beyon"), "", "GetGroupRecord groupName=beyon; getent group beyon"},
		{number(h.UID, "text"), "", "GetUserRecord userName=text; getent passwd text"},
		{number(h.UID, "list"), "", "GetUserRecord userName=list; getent passwd list"},
		{number(h.UID, "garbage"), "", "GetUserRecord userName=garbage; getent passwd garbage"},
		{number(h.UID, "negative"), "", "GetUserRecord userName=negative; getent passwd negative"},
		{number(h.UID, "twice"), "", "GetUserRecord userName=twice; getent passwd twice"},
		{number(h.UID, "same"), "5", "GetUserRecord userName=same; "},
		{number(h.UID, "othergid"), "", "GetUserRecord userName=othergid; getent passwd othergid"},
		{name(h.UserName, 5), "", "GetUserRecord uid=5; getent passwd 5"},
		{number(h.UID, "five"), "", "GetUserRecord userName=five; getent passwd five"},
		{name(h.UserName, 6), "", "GetUserRecord uid=6; getent passwd 6"},
		{name(h.UserName, 7), "", "GetUserRecord uid=7; getent passwd 7"},
		{name(h.UserName, 8), "", "GetUserRecord uid=8; getent passwd 8"},
		{name(h.UserName, 9), "nine", "GetUserRecord uid=9; getent passwd 9"},
		{name(h.GroupName, 50), "", "GetGroupRecord gid=50; getent group 50"},
		{number(h.GID, "fifty"), "", "GetGroupRecord groupName=fifty; getent group fifty"},
		{name(h.GroupName, 60), "", "GetGroupRecord gid=60; getent group 60"},
		{name(h.GroupName, 70), "", "GetGroupRecord gid=70; getent group 70"},
		{name(h.GroupName, 80), "", "GetGroupRecord gid=80; getent group 80"},
		{name(h.GroupName, 90), "", "GetGroupRecord gid=90; getent group 90"},
		{name(h.GroupName, 100), "", "GetGroupRecord gid=100; getent group 100"},
		{number(h.UID, "1000"), "", ""}, {number(h.GID, "1000"), "", ""}, {number(h.GID, "-x"), "", ""},
	} {
		got, ok := c.call()
		queries := h.questions()
		check.That(t, ok == (c.want != "") && (!ok || got == c.want) && queries == c.queries,
			"L-14: %q, %t after %q, want %q after %q", got, ok, queries, c.want, c.queries)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, found, err := record[userRecord](ended, h.Names, anyName, "GetUserRecord", map[string]any{"uid": 1})
	check.That(t, !found && errors.Is(err, context.Canceled), "L-14: a query that has ended: %t, %v", found, err)
	h.getent = ""
	t.Setenv("PATH", t.TempDir())
	for uid, want := range map[uint32]string{1: "one", 4: ""} {
		got, ok := h.UserName(ctx, uid)
		check.That(t, got == want && ok == (want != ""), "L-14: without getent uid %d is %q, %t, want %q", uid, got, ok, want)
	}
	hurried, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err = h.call(hurried, anyName, "GetUserRecord", false, map[string]any{"userName": "silent"}, nil)
	check.ErrorIs(t, err, errUnavailable, "a service that does not answer")
}

// TestIncompleteGroupsAreAnError checks that a user's groups come from the service and from getent, because the service
// omits groups of a source that does not list them. If the service's answer is incomplete, they come from getent alone.
// An incomplete list is never returned (L-56).
func TestIncompleteGroupsAreAnError(t *testing.T) {
	const away = `{"error":"io.systemd.UserDatabase.ServiceNotAvailable"}`
	of := func(name string, gid uint64) string { return user(name, 7, gid) }
	h := newFakeHost(t, answers{
		"GetUserRecord userName=all": {of("all", 100)}, "GetGroupRecord groupName=wheel": {group("wheel", 10)},
		"GetGroupRecord groupName=big": {group("big", 1<<32)}, "GetGroupRecord groupName=own": {group("own", 100)},
		"GetGroupRecord groupName=away": {away}, "GetGroupRecord groupName=tape": {group("tape", 26)},
		"GetMemberships userName=all more": {joins("all", "wheel", true), joins("other", "tape", true),
			joins("all", "gone", true), joins("all", "big", true), joins("all", "own", true), joins("all", "wheel", false)},
		"GetUserRecord userName=alone":        {of("alone", 200)},
		"GetUserRecord userName=mute":         {of("mute", 100)},
		"GetUserRecord userName=gone":         {of("another", 100)},
		"GetUserRecord userName=nogid":        {`{"parameters":{"record":{"userName":"nogid","uid":7}}}`},
		"GetUserRecord userName=half":         {of("half", 100)},
		"GetMemberships userName=half more":   {joins("half", "wheel", true), away},
		"GetUserRecord userName=lost":         {of("lost", 100)},
		"GetMemberships userName=lost more":   {joins("lost", "wheel", true), joins("lost", "away", false)},
		"GetUserRecord userName=broken":       {of("broken", 100)},
		"GetMemberships userName=broken more": {`{"parameters":7}`},
		"GetUserRecord userName=away":         {of("away", 100)},
		"GetMemberships userName=away more":   {away},
	}, `"initgroups all") echo 'all 27 10 100' ;;
"initgroups alone") echo alone ;;
"passwd half") echo half:x:7:300::: ;;
"initgroups half") echo 'half 26 300 27 26' ;;
"passwd lost") echo lost:x:7:300::: ;;
"initgroups lost") echo 'lost 26 x' ;;
"passwd broken") echo broken:x:7:300::: ;;
"initgroups broken") echo broke ;;
"passwd nogid") echo nogid:x:7:300::: ;;
"initgroups nogid") echo nogid ;;
"passwd gone") echo another:x:7:300::: ;;
"initgroups gone") echo gone 1 ;;
"passwd old") echo old:x:7:300::: ;;
"initgroups old") exit 1 ;;`)
	for _, c := range []struct {
		name    string
		want    []uint32 // nil: no result
		queries string
	}{
		{"all", []uint32{100, 10, 27}, "GetUserRecord userName=all; GetMemberships userName=all more; GetGroupRecord " +
			"groupName=wheel; GetGroupRecord groupName=gone; GetGroupRecord groupName=big; GetGroupRecord groupName=own; " +
			"getent initgroups all"},
		{"alone", []uint32{200},
			"GetUserRecord userName=alone; GetMemberships userName=alone more; getent initgroups alone"},
		{"mute", nil, "GetUserRecord userName=mute; GetMemberships userName=mute more; getent initgroups mute"},
		{"gone", nil, "GetUserRecord userName=gone; getent passwd gone"},
		{"nogid", []uint32{300}, "GetUserRecord userName=nogid; getent passwd nogid; getent initgroups nogid"},
		{"half", []uint32{300, 26, 27}, "GetUserRecord userName=half; GetMemberships userName=half more; " +
			"getent passwd half; getent initgroups half"},
		{"lost", nil, "GetUserRecord userName=lost; GetMemberships userName=lost more; GetGroupRecord groupName=wheel; " +
			"GetGroupRecord groupName=away; getent passwd lost; getent initgroups lost"},
		{"broken", nil, "GetUserRecord userName=broken; GetMemberships userName=broken more; getent passwd broken; " +
			"getent initgroups broken"},
		{"away", nil, "GetUserRecord userName=away; GetMemberships userName=away more; getent passwd away"},
		{"old", nil, "GetUserRecord userName=old; getent passwd old; getent initgroups old"},
		{"nosuch", nil, "GetUserRecord userName=nosuch; getent passwd nosuch"}, {"1000", nil, ""}, {"", nil, ""},
	} {
		got, ok := h.Groups(context.Background(), c.name)
		if queries := h.questions(); ok != (c.want != nil) || ok && !slices.Equal(got, c.want) || queries != c.queries {
			t.Errorf("L-56: %s is in %v, %t after\n%q, want %v after\n%q", c.name, got, ok, queries, c.want, c.queries)
		}
	}
}

// FuzzReplies checks that no reply of the service causes a panic.
func FuzzReplies(f *testing.F) {
	f.Add([]byte(user("alice", 1, 1) + "\x00"))                 // a record
	f.Add([]byte(joins("a", "b", true) + "\x00{}\x00"))         // a record with more to follow
	f.Add([]byte(`{"error":"x"}` + "\x00"))                     // an error
	f.Add([]byte(`{"parameters":{"record":{"uid":1e99}}}\x00`)) // a number that does not fit
	f.Fuzz(func(_ *testing.T, b []byte) {
		replies(strings.NewReader(string(b)), func(p json.RawMessage) error {
			var m struct{ Record userRecord }
			return json.Unmarshal(p, &m)
		})
	})
}

// TestTruncatedReplyIsAnError checks that a truncated, malformed or endless reply is not a statement about a user
// (L-56).
func TestTruncatedReplyIsAnError(t *testing.T) {
	const one, more = `{"parameters":{"n":1}}` + "\x00", `{"parameters":{"n":1},"continues":true}` + "\x00"
	const none = `{"error":"io.systemd.UserDatabase.NoRecordFound"}` + "\x00"
	for _, c := range []struct {
		text  string
		n     int
		found bool
		want  string
	}{
		{one, 1, true, ""}, {more + one, 2, true, ""}, {one + one, 1, true, ""}, {none, 0, false, ""},
		{more + none, 1, true, ""},
		{"", 0, false, "the conversation ended early: unexpected EOF"},
		{more, 1, false, "the conversation ended early: unexpected EOF"},
		{strings.TrimSuffix(one, "\x00"), 0, false, "the conversation ended early: unexpected EOF"},
		{"\x00" + one, 0, false, "unexpected end of JSON input"}, {one + "\x00", 1, true, ""},
		{`{"parameters":{"n":"` + strings.Repeat("x", maxReply-64) + `"}}` + "\x00", 1, true, ""},
		{"x\x00", 0, false, "invalid character"}, {`{"error":"io.x"}` + "\x00", 0, false, "io.x"},
		{strings.Repeat(more, maxReplies), maxReplies, false, "more than"},
		{`{"parameters":{"n":"` + strings.Repeat("x", maxReply) + `"}}` + "\x00", 0, false, "a reply is longer than"},
	} {
		n := 0
		found, err := replies(iotest.HalfReader(strings.NewReader(c.text)), func(json.RawMessage) error { n++; return nil })
		if n != c.n || found != c.found || (err != nil) != (c.want != "") || err != nil && (!errors.Is(err, errUnavailable) ||
			!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "%!")) {
			t.Errorf("%.60q: %d replies, %t, %v, want %d, %t, %s", c.text, n, found, err, c.n, c.found, c.want)
		}
	}
	broken := errors.New("broken")
	if found, err := replies(strings.NewReader(more+one), func(json.RawMessage) error { return broken }); found ||
		!errors.Is(err, broken) {
		t.Errorf("%t, %v, want false, %v", found, err, broken)
	}
}
