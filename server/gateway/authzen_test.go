package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/authzen"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// everyoneAsks is an AuthZEN configuration in which every client may ask about others, without records.
func everyoneAsks(c *Config) {
	c.AuthZEN = &AuthZEN{URL: "https://localhost", Ask: "O:SYG:SYD:(A;;0x1;;;WD)", Rate: 1 << 20}
}

// openToPEP is the descriptor of a tree whose entries carol, the client, may inspect.
const openToPEP = "O:BAG:SYD:P(A;OICI;RCFR;;;{carol})"

// reply is the response to one question.
type reply struct {
	Decision *bool
	Context  struct {
		Admin map[string]string `json:"reason_admin"`
		User  map[string]string `json:"reason_user"`
		Error struct {
			Status  int
			Message string
		}
	}
}

// evaluate asks a question as a client and returns the status and the reply.
func (w *world) evaluate(as, who, action, kind, id string) (int, reply) {
	w.Helper()
	body := fmt.Sprintf(`{"subject":{"type":"user","id":%q},"action":{"name":%q},"resource":{"type":%q,"id":%q}}`,
		who, action, kind, id)
	return w.evaluateBody(as, body)
}

func (w *world) evaluateBody(as, body string) (code int, a reply) {
	w.Helper()
	rec := w.onConsole(as, http.MethodPost, authzen.EvaluationPath, body)
	if rec.Code == http.StatusOK {
		if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil || a.Decision == nil {
			w.Fatalf("%s: %v, %s", body, err, rec.Body)
		}
	}
	return rec.Code, a
}

// opened reports whether an account can open a file, by an open with a token of its password.
func (w *world) opened(who, path string, mask winnt.AccessMask) bool {
	w.Helper()
	p := check.Must(w.g.link.process())
	s := p.sessions.get(p.sessions.name("test ", who), func(s *session) {
		s.logOn(w.Context(), "", "", nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: who, Password: "pw-x"})
	})
	defer p.sessions.put(s)
	h, st := (&request{g: w.g, s: s, ctx: w.Context()}).open(place{"share", strings.ReplaceAll(path, "/", `\`)}, mask,
		winnt.FILE_OPEN, 0)
	if st == ntstatus.Success {
		s.release(h)
	}
	return st == ntstatus.Success
}

// TestFileDecisionsEqualOpens asks random questions about a tree and compares each decision with an open of the
// file by the subject (G-60).
func TestFileDecisionsEqualOpens(t *testing.T) {
	w := newWorld(t, openToPEP+"(A;CI;FX;;;WD)", everyoneAsks)
	changeNotify := winnt.Privileges(winnt.SeChangeNotifyPrivilege)
	w.must(w.store.Update(sid.LocalSystem, func(e *lsa.Edit) error {
		// bob must have the right to traverse each folder; the others hold the privilege to pass.
		e.Revoke(sid.Everyone, changeNotify, 0)
		e.Grant(w.sids["alice"], changeNotify, 0)
		e.Grant(w.sids["carol"], changeNotify, 0)
		return nil
	}))
	rnd := rand.New(rand.NewPCG(randtest.Seed(t), 1))
	paths := w.randomTree(rnd)
	actions := []string{"read", "write", "modify", "full", "list", "DELETE", "FILE_READ_ATTRIBUTES", "FILE_WRITE_DATA",
		"WRITE_DAC", "READ_CONTROL", "SD", "0x1", "FILE_DELETE_CHILD", "WRITE_OWNER", "SYNCHRONIZE", "0x110080"}
	granted := 0
	n := randtest.Size(1000)
	for range n {
		who, path := []string{"alice", "bob", "carol"}[rnd.IntN(3)], paths[rnd.IntN(len(paths))]
		action := actions[rnd.IntN(len(actions))]
		rights := check.Must(words.Parse(action))
		want := w.opened(who, path, rights[0].Mask(winnt.FileObject))
		code, got := w.evaluate("carol", who, action, "file", "/share/"+path)
		check.That(t, code == http.StatusOK && *got.Decision == want,
			"%s %s %s: status %d, %+v, but the open says %v", who, action, path, code, got, want)
		if want {
			granted++
		}
	}
	check.That(t, granted >= n/10 && granted <= n*9/10, "%d of %d questions are granted: they test little", granted, n)
}

// TestLabelAndReadOnlyLimitFileDecision checks the two limits that random descriptors rarely meet: the label of a file
// above the right that its directory grants, and the read-only attribute (G-60).
func TestLabelAndReadOnlyLimitFileDecision(t *testing.T) {
	w := newWorld(t, openToPEP+"(A;;0x40;;;{alice})", everyoneAsks) // FILE_DELETE_CHILD on the root is no DELETE
	w.folder("d", openToPEP+"(A;;FA;;;{alice})")
	w.folder("d/shown", openToPEP+"(A;;FA;;;{alice})") // a directory's attribute affects only its display
	w.folder("e", openToPEP+"(A;;0x1;;;{alice})")
	w.file("e/f", "x", "O:BAG:SYD:P(A;;RCFR;;;{carol})(A;;SD;;;{alice})")
	w.file("d/labelled", "x", "O:BAG:SYD:P(A;;RCFR;;;{carol})S:(ML;;NW;;;HI)")
	w.file("d/plain", "x", "O:BAG:SYD:P(A;;RCFR;;;{carol})")
	w.file("d/owned", "x", "O:BAG:SYD:P(A;;RCFR;;;{carol})(A;;WO;;;{alice})")
	w.file("d/fixed", "x", "O:BAG:SYD:P(A;;RCFR;;;{carol})(A;;FA;;;{alice})")
	p := check.Must(w.g.link.process())
	w.opened("alice", "d/fixed", winnt.FILE_WRITE_DATA)
	s := p.sessions.find(p.sessions.name("test ", "alice"))
	defer p.sessions.put(s)
	for _, path := range []string{`d\fixed`, `d\shown`} {
		h, st := (&request{g: w.g, s: s, ctx: w.Context()}).open(place{"share", path}, winnt.FILE_WRITE_ATTRIBUTES,
			winnt.FILE_OPEN, 0)
		if st == ntstatus.Success {
			st = p.do(w.Context(), func(th *nt.Thread) ntstatus.Status {
				return th.NtSetInformationFile(h, nt.FileBasicInformation,
					nt.FileBasic{FileAttributes: fileaccess.AttributeReadOnly})
			})
			s.release(h)
		}
		check.Success(t, st)
	}
	f := files{&request{g: w.g, s: s, ctx: w.Context()}}
	check.NoError(t, f.Removable("/share/d/plain"))
	check.That(t, f.Removable("/share/d/fixed") != nil, "a read-only file is removable")
	for _, c := range []struct {
		path, action string
		mask         winnt.AccessMask
		want         bool
	}{
		{"", "DELETE", winnt.DELETE, false},
		{"d/plain", "DELETE", winnt.DELETE, true},
		{"d/labelled", "DELETE", winnt.DELETE, false},
		{"d/labelled", "FILE_READ_ATTRIBUTES", winnt.FILE_READ_ATTRIBUTES, true},
		{"d/fixed", "FILE_READ_DATA", winnt.FILE_READ_DATA, true},
		{"d/fixed", "FILE_WRITE_DATA", winnt.FILE_WRITE_DATA, false},
		{"d/fixed", "FILE_APPEND_DATA", winnt.FILE_APPEND_DATA, false},
		{"d/fixed", "WRITE_DAC", winnt.WRITE_DAC, true},
		{"d/shown", "FILE_ADD_FILE", winnt.FILE_ADD_FILE, true},
		{"d/owned", "control", winnt.WRITE_OWNER, true},
		{"e/f", "0x10080", winnt.DELETE | winnt.FILE_READ_ATTRIBUTES, true}, // each by another descriptor
	} {
		_, got := w.evaluate("carol", "alice", c.action, "file", "/share/"+c.path)
		if open := w.opened("alice", c.path, c.mask); *got.Decision != c.want || open != c.want {
			t.Errorf("%s %s: %v, and the open returned %v, want %v", c.action, c.path, *got.Decision, open, c.want)
		}
	}
}

// randomTree creates folders and files with random descriptors and returns their paths. The client carol may read each
// descriptor.
func (w *world) randomTree(rnd *rand.Rand) (paths []string) {
	w.Helper()
	rights := []string{"FR", "FW", "FX", "FA", "SD", "RC", "WD", "WO", "0x1", "0x2", "0x40", "0x80", "0x100", "0x120089",
		"0x1301bf", "GR", "GA", "SDRC"}
	who := []string{"{alice}", "{bob}", "{carol}", "WD", "AU", "OW", "BA", "BU"}
	describe := func() string {
		d := "O:" + []string{"BA", "{alice}", "{bob}"}[rnd.IntN(3)] + "G:SYD:P(A;;RCFR;;;{carol})"
		for range rnd.IntN(6) {
			d += fmt.Sprintf("(%s;;%s;;;%s)", []string{"A", "A", "D"}[rnd.IntN(3)], rights[rnd.IntN(len(rights))],
				who[rnd.IntN(len(who))])
		}
		// The first entry lets carol, the caller, read the descriptor.
		if rnd.IntN(4) == 0 {
			d += "S:(ML;;" + []string{"NW;;;LW", "NWNR;;;ME", "NW;;;HI"}[rnd.IntN(3)] + ")"
		}
		return d
	}
	for i := range 4 {
		dir := fmt.Sprintf("d%d", i)
		w.folder(dir, describe())
		paths = append(paths, dir)
		for j := range 12 {
			f := fmt.Sprintf("%s/f%d", dir, j)
			w.file(f, "x", describe())
			if rnd.IntN(5) == 0 {
				w.must(os.Chmod(filepath.Join(w.root, f), 0o444))
			}
			paths = append(paths, f)
		}
	}
	return append(paths, "missing", "d0/missing", "f0/below")
}

// TestQueryAboutOthersNeedsRight checks that a client without the right can query only itself, that the answer about
// others does not depend on whether they exist, and that each client has its own rate limit (G-63).
func TestQueryAboutOthersNeedsRight(t *testing.T) {
	now := time.Now()
	w := newWorld(t, "O:BAG:SYD:P(A;OICI;FA;;;WD)", func(c *Config) {
		c.AuthZEN = &AuthZEN{URL: "https://localhost", Ask: "O:SYG:SYD:", Rate: 5}
		c.Now = func() time.Time { return now } // the allowance does not refill
	})
	w.file("f", "x", "O:BAG:SYD:P(A;;FR;;;WD)")
	if code, a := w.evaluate("alice", "alice", "read", "file", "/share/f"); code != 200 || !*a.Decision {
		t.Errorf("alice about herself: %d %+v", code, a)
	}
	own := `HOST\bob` // the name of the account in its store
	for _, who := range []string{own, "nobody", "", "ALICE", `host\alice`} {
		if code, _ := w.evaluate("bob", who, "read", "file", "/share/f"); (code != 403) != (who == own) {
			t.Errorf("bob about %q: %d", who, code)
		}
	}
	body := `{"subject":{"type":"robot","id":"carol"},"action":{"name":"read"},"resource":{"type":"file","id":"/share/f"}}`
	code, _ := w.evaluateBody("carol", body)
	check.Equal(t, code, http.StatusForbidden, "carol about a robot with her name")
	if code, _ := w.evaluate("bob", "bob", "read", "file", "/share/f"); code != http.StatusTooManyRequests {
		t.Errorf("the sixth question of bob: %d, want 429", code)
	}
	if code, _ := w.evaluate("alice", "alice", "read", "file", "/share/f"); code != http.StatusOK {
		t.Errorf("alice pays for the questions of bob: %d", code)
	}
	if code, _ := w.evaluate("", "alice", "read", "file", "/share/f"); code != http.StatusUnauthorized {
		t.Errorf("without a credential: %d, want 401", code)
	}
}

// TestSubjectTokenOpensNothing checks that the token of a subject has the level Identification, even if refmond would
// give the gateway a full one (G-62).
func TestSubjectTokenOpensNothing(t *testing.T) {
	for _, name := range []string{"without SeTcbPrivilege", "with SeTcbPrivilege"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "O:BAG:SYD:P(A;OICI;FA;;;WD)", everyoneAsks, func(c *Config) {
				if strings.HasPrefix(name, "with ") {
					c.Certificates = map[string]string{strings.Repeat("0", 64): "bob"}
				}
			})
			if strings.HasPrefix(name, "with ") {
				w.must(w.store.Update(sid.LocalSystem, func(e *lsa.Edit) error {
					e.Grant(sid.MustParse("S-1-22-1-61010"), tcb, 0)
					return nil
				}))
			}
			w.file("f", "x", "O:BAG:SYD:P(A;;FA;;;WD)")
			p := check.Must(w.g.link.process())
			left, leave := context.WithCancel(w.Context())
			leave() // others may wait for the logon, too
			handles := w.present()[1]
			s := p.subject(&request{g: w.g, s: &session{p: p}, ctx: left}, "alice")
			defer p.subjects.put(s)
			w.awaitHandles(handles + 1)
			check.RequireThat(t, s.st == ntstatus.Success && s.level == winnt.SecurityIdentification,
				"%v, level %v", s.st, s.level)
			h, st := (&request{g: w.g, s: s, ctx: w.Context()}).open(place{"share", "f"}, winnt.FILE_READ_DATA,
				winnt.FILE_OPEN, 0)
			check.That(t, st != ntstatus.Success && h == 0, "the token opens a file: %v", st)
		})
	}
}

// TestQuestionsAreRecorded checks that the trail has each question with its caller and its decision, and that a
// question without its record gets no answer (G-64).
func TestQuestionsAreRecorded(t *testing.T) {
	w := newWorld(t, openToPEP, func(c *Config) {
		c.AuthZEN = &AuthZEN{URL: "https://localhost", Ask: "O:SYG:SYD:(A;;0x1;;;WD)S:(AU;SAFA;0x1;;;WD)", Rate: 100}
	})
	w.file("f", "x", "O:BAG:SYD:P(A;;RCFR;;;{carol})(A;;FR;;;{alice})")
	w.auditKind(audit.KernelObject)
	w.sink.Drain()
	for _, who := range []string{"alice", "bob"} {
		if code, a := w.evaluate("carol", who, "read", "file", "/share/f"); code != 200 || *a.Decision != (who == "alice") {
			t.Errorf("%s: %d %+v", who, code, a)
		}
	}
	var seen []string
	for _, e := range w.sink.Drain() {
		text := check.Must(json.Marshal(e))
		if s := string(text); strings.Contains(s, "AuthZEN") {
			seen = append(seen, s)
		}
	}
	w.g.pdp.ask = sddl.MustParse("O:SYG:SYD:S:(AU;SAFA;0x1;;;WD)")
	code, _ := w.evaluate("carol", "bob", "read", "file", "/share/f")
	refused := w.sink.Drain()
	check.That(t, code == http.StatusForbidden && len(refused) == 1 && refused[0].Outcome == audit.Failure,
		"a caller without the right: %d, records %v, want 403 and a failure", code, refused)
	for i, want := range [][]string{{`\"user\" \"alice\" \"read\" \"file\" \"/share/f\"`, "success"}, {`\"bob\"`,
		"failure"}} {
		if len(seen) != 2 || !strings.Contains(seen[i], w.sids["carol"].String()) || !strings.Contains(seen[i], want[0]) ||
			!strings.Contains(seen[i], want[1]) {
			t.Fatalf("records %q, want two by carol, the one at %d with %q", seen, i, want)
		}
	}
}

// TestUnrecordedQuestionIsRefused checks that a gateway without SeAuditPrivilege gives no answer that must be
// recorded (G-64).
func TestUnrecordedQuestionIsRefused(t *testing.T) {
	w := newWorld(t, openToPEP, func(c *Config) {
		const ask = "O:SYG:SYD:(A;;0x1;;;WD)S:(AU;SAFA;0x1;;;WD)"
		c.AuthZEN = &AuthZEN{URL: "https://localhost", Ask: ask, Rate: 100}
		c.Index = &Index{Socket: "/none", Ask: ask, Rate: 1}
	})
	w.file("f", "x", openToPEP)
	p := check.Must(w.g.link.process())
	th := p.conn.Thread()
	own, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ADJUST_PRIVILEGES)
	check.Success(t, st)
	th.NtAdjustPrivilegesToken(own, true, nil, false)
	if code, _ := w.evaluate("carol", "carol", "read", "file", "/share/f"); code != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", code)
	}
	code, body := w.askIndex("carol", "can-read", `{"ids":["/srv/x"]}`)
	check.That(t, code == http.StatusServiceUnavailable && strings.Contains(body, "cannot be recorded"),
		"G-120: a question to the index: %d %s, want 503", code, body)
}

// TestDeclaredTypesAreDecidedByAccount checks questions about a declared resource type: a user of refmond counts with
// its SID and enabled groups, and any other subject as the configuration declares it.
func TestDeclaredTypesAreDecidedByAccount(t *testing.T) {
	w := newWorldOf(t, openToPEP, altered(func(s *token.Spec) {
		s.Groups = append(s.Groups, token.Group{SID: sid.MustParse("S-1-5-32-547"), Attributes: token.GroupDisabled})
	}), everyoneAsks)
	w.g.pdp.types = check.Must(authzen.ReadTypes(fmt.Appendf(nil, `{"groups":["bots"],
		"subjects":{"robot":{"r2":{"groups":["bots"]}}},"types":{"record":{"rights":["r","w","x"],
		"descriptor":"O:SYG:SYD:(A;;${r};;;S-1-5-113)(A;;${w};;;%s)(A;;${x};;;${bots})(A;;${x};;;PU)",
		"actions":{"read":{"rights":["r"]},"write":{"rights":["w"]},"run":{"rights":["x"]}}}}}`, w.sids["alice"])))
	for _, c := range []struct {
		kind, who, action, on string
		want                  bool
	}{{"user", "alice", "read", "record", true}, {"user", "alice", "write", "record", true},
		{"user", "bob", "write", "record", false}, {"user", "bob", "run", "record", false},
		{"user", "nobody", "read", "record", false},
		{"robot", "r2", "run", "record", true}, {"robot", "r2", "read", "record", false},
		{"robot", "r2", "read", "file", false}, {"user", "alice", "read", "thing", false}} {
		code, a := w.evaluateBody("carol",
			fmt.Sprintf(`{"subject":{"type":%q,"id":%q},"action":{"name":%q},"resource":{"type":%q,"id":"1"}}`, c.kind,
				c.who, c.action, c.on))
		check.That(t, code == 200 && *a.Decision == c.want, "%+v: %d, %+v", c, code, a)
	}
}

// TestUncheckedSubjectIs503 checks that a question about a subject whose logon could not be checked gets no decision,
// and that a check that refmond does not complete has its status. Neither does a failed read of a descriptor decide.
func TestUncheckedSubjectIs503(t *testing.T) {
	var a *refusing
	w := newWorldOf(t, openToPEP, func(s *lsa.Store) logon.Authority { a = &refusing{Store: s}; return a }, everyoneAsks)
	code, _ := w.evaluate("carol", "carol", "read", "file", "/share/f")
	check.Equal(t, code, http.StatusOK, "carol about herself")
	for _, st := range []ntstatus.Status{ntstatus.NoLogonServers, ntstatus.InsufficientResources} {
		a.status.Store(uint32(st))
		code, _ = w.evaluate("carol", "bob", "read", "file", "/share/f")
		check.Equal(t, code, http.StatusServiceUnavailable, "%v", st)
	}
	r := &request{g: w.g, s: &session{p: check.Must(w.g.link.process())}, ctx: t.Context()}
	ok, st := r.granted(sddl.MustParse("O:SYG:SYD:(A;;0x1;;;WD)"), 0, askRight, askMapping)
	check.That(t, !ok && st == ntstatus.InvalidHandle, "a check without a token: %t, %v", ok, st)
	check.That(t, check.Err(r.uninspected(ntstatus.IODeviceError)) != nil, "an unreadable file is a denial")
}

// TestDenialReasonNeedsReadControl checks which parts of a denial each caller sees (G-65), and that a file which the
// caller may not inspect is denied (G-61).
func TestDenialReasonNeedsReadControl(t *testing.T) {
	w := newWorld(t, openToPEP+"(A;;0x1;;;{alice})", everyoneAsks)
	w.folder("seen", openToPEP+"(A;;FR;;;{alice})")
	w.folder("hidden", openToPEP)
	w.file("seen/told", "x", "O:BAG:SYD:P(A;;RCFR;;;{carol})(A;;RC;;;{alice})(D;;FW;;;{alice})")
	w.file("seen/f", "x", "O:BAG:SYD:P(A;;RCFR;;;{carol})(D;;0x2;;;{alice})")
	w.file("hidden/f", "x", "O:BAG:SYD:P(A;;RCFR;;;{carol})(D;;FW;;;{alice})")
	w.file("seen/closed", "x", "O:BAG:SYD:P(A;;FA;;;{alice})")
	for _, c := range []struct{ path, action, admin, user string }{
		{"seen/told", "write", "denied by (D;;", "denied by (D;;"},
		{"seen/f", "write", "denied by (D;;", "access denied"},
		{"hidden/f", "write", "denied by (D;;", "no such name"},
		{"seen/f", "read", "no entry grants it", "access denied"},
		{"seen/missing", "read", "no such name", "no such name"},
		{"seen/told/", "READ_CONTROL", "no such name", "no such name"}, // a file is no folder (G-10)
		{"seen/closed", "read", "the caller may not read the descriptor", "no such name"},
		{"", "WRITE_DAC", "no entry grants it", "no such name"},
		{"seen/f", "MAXIMUM_ALLOWED", "no right of a file has the name", "access denied"},
		{"seen/f", "KEY_SET_VALUE", "no right of a file has the name", "access denied"}, // B-91
		{"seen/f", "read+write", "no right of a file has the name", "access denied"},
		{"seen/f", "", "no right of a file has the name", "access denied"},
		{"seen/f", "0", "no right of a file has the name", "access denied"},
		{"../share/seen/f", "read", "the id is not a path", "access denied"},
	} {
		code, a := w.evaluate("carol", "alice", c.action, "file", "/share/"+c.path)
		if code != 200 || *a.Decision || !strings.Contains(a.Context.Admin["en"], c.admin) ||
			!strings.Contains(a.Context.User["en"], c.user) {
			t.Errorf("%s %s: %d, admin %q, user %q, want %q and %q", c.action, c.path, code, a.Context.Admin["en"],
				a.Context.User["en"], c.admin, c.user)
		}
	}
	for _, c := range [][3]string{{"service", "file", "alice"}, {"user", "thing", "alice"}, {"user", "file", "nobody"}} {
		body := fmt.Sprintf(`{"subject":{"type":%q,"id":%q},"action":{"name":"READ_CONTROL"},`+
			`"resource":{"type":%q,"id":"/share/seen/told"}}`, c[0], c[2], c[1])
		if code, a := w.evaluateBody("carol", body); code != 200 || *a.Decision {
			t.Errorf("%s: %d %+v, want a denial", body, code, a)
		}
	}
	p := check.Must(w.g.link.process())
	p.subjects.mu.Lock()
	defer p.subjects.mu.Unlock()
	for _, s := range p.subjects.known {
		check.Equal(t, s.users, 0, "after all questions, those that use a subject")
	}
}
