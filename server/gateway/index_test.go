package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/programs"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/authzen"
	"github.com/refmon/refmon/server/internal/lograte"
)

// indexStub answers like the socket of refmon-index (docs/search.md, "Questions over a socket"). Everybody may read
// /srv/plan, and nobody any other document.
func indexStub(t *testing.T, socket string) (asked *[]string) {
	t.Helper()
	l := check.Must(net.Listen("unix", socket))
	asked = &[]string{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		var q struct {
			Who   string   `json:"who"`
			IDs   []string `json:"ids"`
			Right string   `json:"right"`
			Form  string   `json:"form"`
		}
		check.That(t, err == nil && strict.Unmarshal(text, &q) == nil && q.Who != "",
			"the index was asked %s: %q, %v", r.URL.Path, text, err)
		*asked = append(*asked, r.URL.Path+" "+q.Who)
		answer := func(id string) map[string]any {
			if id == "/srv/plan" {
				return map[string]any{"allowed": true, "class": "c", "seq": 7}
			}
			return map[string]any{"allowed": false, "class": "secret", "seq": 8}
		}
		var out any
		switch {
		case q.Right == "broken":
			out = map[string]any{"answers": []string{"no object"}, "answer": "no object"}
		case q.Right == "long":
			n := check.Must(strconv.Atoi(q.Form)) - len(`""`+"\n")
			out = strings.Repeat("x", n)
		case q.Right == "fly":
			w.WriteHeader(http.StatusUnprocessableEntity)
			out = map[string]string{"error": "no right fly"}
		case r.URL.Path == "/v1/can-read":
			var list []any
			for _, id := range q.IDs {
				list = append(list, answer(id))
			}
			out = map[string]any{"current": true, "answers": list}
		case r.URL.Path == "/v1/why":
			out = map[string]any{"answer": answer(q.IDs[0]), "descriptor": "secret", "refused": "an entry"}
		case r.URL.Path == "/v1/filter":
			out = map[string]any{"classes": []string{"c"}}
		default:
			w.WriteHeader(http.StatusTooManyRequests)
		}
		check.NoError(t, json.NewEncoder(w).Encode(out))
	}))
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	return asked
}

// askIndex sends a question about documents with the user's password; "": without credentials.
func (w *world) askIndex(as, name, body string) (int, string) {
	w.Helper()
	rec := w.onConsole(as, http.MethodPost, indexPath+name, body)
	check.Equal(w, rec.Header().Get("Cache-Control"), "no-store", "Cache-Control of an answer with status %d", rec.Code)
	return rec.Code, rec.Body.String()
}

// TestIndexQuestionsAreRecorded checks that a gateway without AuthZEN records a question for which the SACL of Ask
// asks, with its caller and whether it was answered (G-120).
func TestIndexQuestionsAreRecorded(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "index")
	w := newWorld(t, openToPEP, func(c *Config) {
		c.Index = &Index{Socket: socket, Ask: "O:SYG:SYD:S:(AU;SAFA;0x1;;;WD)", Rate: 100}
	})
	w.auditKind(audit.KernelObject)
	indexStub(t, socket)
	w.sink.Drain()
	w.g.index.ask = sddl.MustParse(fmt.Sprintf("O:SYG:SYD:(A;;0x1;;;%s)S:(AU;SAFA;0x1;;;WD)", w.sids["carol"]))
	for _, c := range []struct {
		as, about string
		want      audit.Outcome
	}{{"carol", "alice", audit.Success}, {"bob", "bob", audit.Success}, {"bob", "alice", audit.Failure}} {
		w.askIndex(c.as, "can-read", fmt.Sprintf(`{"who":%q,"ids":["/srv/x"]}`, w.sids[c.about]))
		var seen int
		for _, e := range w.sink.Drain() {
			text := check.Must(json.Marshal(e))
			if s := string(text); strings.Contains(s, "can-read of "+w.sids[c.about].String()+" about 1 document") &&
				strings.Contains(s, w.sids[c.as].String()) {
				check.Equal(t, e.Outcome, c.want, "G-120: %s about %s: the record's outcome", c.as, c.about)
				seen++
			}
		}
		check.That(t, seen != 0, "G-120: no record of a question about %s names %s", c.about, c.as)
	}
}

// TestFailedQuestionsHaveALogRate checks that one client causes at most five lines a minute while the index is away or
// its questions cannot be recorded (L-75).
func TestFailedQuestionsHaveALogRate(t *testing.T) {
	var out bytes.Buffer
	w := newExactly(t, shared, func(c *Config) {
		c.Index = &Index{Socket: filepath.Join(t.TempDir(), "none"), Ask: "O:SYG:SYD:", Rate: 100}
		c.Log = slog.New(lograte.New(slog.NewTextHandler(&out, nil)))
	})
	q := w.newRequest("alice")
	for range 7 {
		got := w.askOf(w.g.Console(), "alice", "POST", indexPath+"can-read", `{"ids":["/srv/plan"]}`)
		check.That(t, strings.HasPrefix(got, "503\n"), "the answer without an index: %s", got)
		w.g.logUnrecorded(q.s, ntstatus.PrivilegeNotHeld)
	}
	for _, line := range []string{"does not answer", "cannot record"} {
		check.Equal(t, strings.Count(out.String(), line), 5, "L-75: lines that say %q", line)
	}
}

// TestIndexQueryAboutOthersNeedsRight asks about the caller and about others, with and without the right. A caller
// without it learns nothing about a document that the caller may not read (G-120).
func TestIndexQueryAboutOthersNeedsRight(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "index")
	w := newWorld(t, openToPEP, func(c *Config) {
		c.Index = &Index{Socket: socket, Ask: "O:SYG:SYD:(A;;0x1;;;BA)", Rate: 1 << 20}
	})
	w.g.index.ask = sddl.MustParse(fmt.Sprintf("O:SYG:SYD:(A;;0x1;;;%s)", w.sids["carol"]))
	if code, body := w.askIndex("bob", "can-read", `{"ids":["/srv/plan"]}`); code != http.StatusServiceUnavailable {
		t.Errorf("without an index: %d %s, want %d", code, body, http.StatusServiceUnavailable)
	}
	asked := indexStub(t, socket)
	bob, alice := w.sids["bob"].String(), w.sids["alice"].String()
	many := `{"ids":["` + strings.Repeat(`x","`, mostIndexIDs) + `x"]}`
	for _, c := range []struct {
		as, name, body string
		code           int
		want           string // in the answer
		asks           string // the subject passed to the index; "": no query
	}{
		{"bob", "can-read", `{"ids":["/srv/plan","/srv/x"]}`, 200,
			`{"current":true,"answers":[{"allowed":true,"class":"c","seq":7},{"allowed":false}]`, bob},
		{"bob", "can-read", `{"who":"` + bob + `","ids":["/srv/x"]}`, 200, `[{"allowed":false}]`, bob},
		{"bob", "can-read", `{"who":"alice","ids":["/srv/plan"]}`, 403, "only about yourself", ""},
		{"bob", "filter", `{"who":"` + alice + `","right":"read","form":"list"}`, 403, "only about yourself", ""},
		{"bob", "filter", `{"right":"read","form":"list"}`, 200, `["c"]`, bob},
		{"bob", "why", `{"ids":["/srv/plan"]}`, 200, "an entry", bob},
		{"bob", "why", `{"ids":["/srv/x"]}`, 200, `{"answer":{"allowed":false}}`, bob},
		{"carol", "why", `{"who":"alice","ids":["/srv/x"]}`, 200, "an entry", "alice"},
		{"carol", "can-read", `{"who":"alice","ids":["/srv/x"]}`, 200, "secret", "alice"},
		{"bob", "can-read", `{"ids":["/srv/x"],"right":"fly"}`, 422, "no right fly", bob},
		{"bob", "can-read", `{"ids":["/srv/x"],"right":"broken"}`, 502, "malformed", bob},
		{"bob", "why", `{"ids":["/srv/x"],"right":"broken"}`, 502, "malformed", bob},
		{"bob", "can-read", `{"ids":["/srv/x"],"limit":"1h"}`, 400, "limit", ""},
		{"bob", "can-read", `{"IDs":["/srv/x"]}`, 400, "IDs", ""},
		{"bob", "can-read", many, 400, "want at most 1000", ""},
		{"bob", "can-read", strings.Repeat(" ", largestIndexBody-2) + "{}", 200, `"answers":null`, bob},
		{"bob", "can-read", strings.Repeat(" ", largestIndexBody+1), 413, "longer than", ""},
		{"bob", "filter", fmt.Sprintf(`{"right":"long","form":"%d"}`, largestIndexAnswer), 200, `x"`, bob},
		{"bob", "filter", fmt.Sprintf(`{"right":"long","form":"%d"}`, largestIndexAnswer+1), 503, "not answer", bob},
		{"", "can-read", `{"ids":["/srv/plan"]}`, 401, "", ""},
		{"bob", "status", `{}`, 404, "", ""},
	} {
		*asked = nil
		code, body := w.askIndex(c.as, c.name, c.body)
		check.That(t, code == c.code && strings.Contains(body, c.want),
			"G-120: %s %s %.80s: %d %.1000s, want %d and %q", c.as, c.name, c.body, code, body, c.code, c.want)
		if got := strings.Join(*asked, ","); got != "" != (c.asks != "") || c.asks != "" &&
			got != "/v1/"+c.name+" "+c.asks {
			t.Errorf("G-120: %s %s %.80s: the index was asked %q, want %q", c.as, c.name, c.body, got, c.asks)
		}
	}
}

// TestIndexDenialsWaitForTimeStep checks that a denial without the right to ask about others is sent only at the end of
// a full time step, because the index takes another time for a missing document (G-48, G-120).
func TestIndexDenialsWaitForTimeStep(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "index")
	w := newWorld(t, openToPEP, func(c *Config) {
		c.Index = &Index{Socket: socket, Ask: "O:SYG:SYD:(A;;0x1;;;BA)", Rate: 100}
	})
	indexStub(t, socket)
	w.g.levels = levels{name: 50 * time.Millisecond}
	for _, name := range []string{"can-read", "why"} {
		begun := time.Now()
		code, body := w.askIndex("bob", name, `{"ids":["/srv/x"]}`)
		took := time.Since(begun)
		check.That(t, code == http.StatusOK && took >= w.g.levels.name, "G-120: %s: %d %s after %v, want at least %v", name,
			code, body, took, w.g.levels.name)
	}
	w.g.levels = levels{name: time.Hour}
	code, _ := w.askIndex("bob", "can-read", `{"ids":["/srv/plan"]}`)
	check.Equal(t, code, http.StatusOK, "G-120: an answer that denies nothing")
}

// TestIndexQuestionWaitsForFreeSlot checks that a question waits while the index answers the maximum number of other
// questions (G-120).
func TestIndexQuestionWaitsForFreeSlot(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "index")
	w := newWorld(t, openToPEP, func(c *Config) { c.Index = &Index{Socket: socket, Ask: "O:SYG:SYD:", Rate: 100} })
	asked := indexStub(t, socket)
	for range indexPlaces {
		check.RequireThat(t, w.g.index.turns.Enter(t.Context(), w.sids["bob"].String()), "G-120: a place")
	}
	code := make(chan int)
	go func() {
		got, _ := w.askIndex("alice", "can-read", `{"ids":["/srv/plan"]}`)
		code <- got
	}()
	for w.g.index.turns.Waiting() == 0 {
		select {
		case got := <-code:
			t.Fatalf("G-120: a question did not wait: %d", got)
		case <-time.After(time.Millisecond):
		}
	}
	check.Equal(t, len(*asked), 0, "G-120: questions to the index")
	w.g.index.turns.Leave()
	check.Equal(t, <-code, http.StatusOK, "G-120: the answer")
}

// TestInvalidQuestionConfigIsRejected checks which configurations of an index and of AuthZEN are errors, and that the
// questions of one client to the index are limited.
func TestInvalidQuestionConfigIsRejected(t *testing.T) {
	const ask, url = "O:SYG:SYD:(A;;0x1;;;BA)", "https://localhost"
	files := check.Must(authzen.ReadTypes([]byte(
		`{"types":{"file":{"rights":["r"],"descriptor":"O:SYG:SYD:","actions":{"do":{"rights":["r"]}}}}}`)))
	for _, c := range []struct {
		index   *Index
		authZEN *AuthZEN
		want    string
	}{
		{&Index{Ask: ask, Rate: 1}, nil, "Index.Socket"}, {&Index{Socket: "/s", Ask: ask}, nil, "Rate"},
		{&Index{Socket: "/s", Ask: "x", Rate: 1}, nil, "Ask"},
		{&Index{Socket: "/s", Ask: "O:SYG:SYD:(A;;0x100000000;;;BA)", Rate: 1}, nil, "at most 32 bits"}, // a repair (S-80)
		{nil, &AuthZEN{URL: url, Ask: "O:SYG:SYD:(A;;0x100000000;;;BA)", Rate: 1}, "at most 32 bits"},
		{&Index{Socket: "/s", Ask: "D:(A;;0x1;;;WD)", Rate: 1}, nil, "an owner"},
		{&Index{Socket: "/s", Ask: "O:SYG:SY", Rate: 1}, nil, "a DACL"},
		{&Index{Socket: "/s", Ask: "O:SYD:", Rate: 1}, nil, "a group"},
		{nil, &AuthZEN{URL: url, Ask: "x", Rate: 1}, "AuthZEN.Ask"}, {nil, &AuthZEN{URL: url, Ask: ask}, "AuthZEN.Rate"},
		{nil, &AuthZEN{URL: url, Ask: "O:SYG:SY", Rate: 1}, "a DACL"},
		{nil, &AuthZEN{URL: url, Ask: "G:SYD:", Rate: 1}, "an owner"},
		{nil, &AuthZEN{URL: url, Ask: "O:SYD:", Rate: 1}, "a group"},
		{nil, &AuthZEN{URL: url + "/", Ask: ask, Rate: 1}, "no final slash"}, {nil, &AuthZEN{Ask: ask, Rate: 1}, "URL"},
		{nil, &AuthZEN{URL: url, Ask: ask, Rate: 1, Types: files}, `the type "file"`},
		{nil, &AuthZEN{URL: url, Ask: ask, Rate: 1, Types: new(authzen.Types)}, ""},
	} {
		err := check.Err(New(Config{Dial: failing, Index: c.index, AuthZEN: c.authZEN}))
		check.That(t, (err == nil) == (c.want == "") && (err == nil || strings.Contains(err.Error(), c.want)),
			"%+v, %+v: %v, want %q", c.index, c.authZEN, err, c.want)
	}
	now := time.Now()
	w := newWorld(t, openToPEP, func(c *Config) {
		c.Index, c.Now = &Index{Socket: "/none", Ask: ask, Rate: 1}, func() time.Time { return now }
	})
	codes := map[int]int{}
	for range 3 {
		code, _ := w.askIndex("bob", "filter", `{}`)
		codes[code]++
	}
	check.Equal(t, codes[http.StatusTooManyRequests], 2, "refusals of three questions with a rate of 1, %v", codes)
}

// TestGatewayQueriesRunningIndex queries a running refmon-index.
func TestGatewayQueriesRunningIndex(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it builds refmon-index")
	}
	dir := t.TempDir()
	program, socket := filepath.Join(dir, "refmon-index"), filepath.Join(dir, "socket")
	programs.Install(t, dir, "refmon-index")
	w := newWorld(t, openToPEP, func(c *Config) {
		c.Index = &Index{Socket: socket, Ask: "O:SYG:SYD:(A;;0x1;;;BA)", Rate: 1 << 20}
	})
	tree := filepath.Join(dir, "srv")
	plan, own := filepath.Join(tree, "plan"), filepath.Join(tree, "own")
	w.must(errors.Join(os.Mkdir(tree, 0o755), os.WriteFile(plan, nil, 0o600), os.Chmod(plan, 0o644),
		os.WriteFile(own, nil, 0o600), os.WriteFile(filepath.Join(dir, "firm.yaml"),
			fmt.Appendf(nil, "users:\n- {name: bob, sid: %s}\n", w.sids["bob"]), 0o600)))
	cmd := exec.Command(program, "run", "--tree", tree, "-d", filepath.Join(dir, "firm.yaml"), "--traverse", "never",
		"--no-events", "--state", filepath.Join(dir, "state"), "--socket", socket)
	w.must(cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	ask := func(name, body string) string {
		t.Helper()
		_, answer := w.askIndex("bob", name, body)
		return answer
	}
	question := fmt.Sprintf(`{"ids":[%q,%q]}`, plan, own)
	var got string
	for !strings.Contains(got, `"current":true`) { // the test's deadline is the limit
		time.Sleep(50 * time.Millisecond)
		got = ask("can-read", question)
	}
	check.That(t, strings.Count(got, `"allowed":true`) == 1 && strings.HasSuffix(got, `,{"allowed":false}]}`),
		"bob may read: %s, want the first document of two", got)
	if got := ask("why", fmt.Sprintf(`{"ids":[%q]}`, plan)); !strings.Contains(got, `"descriptor"`) {
		t.Errorf("why: %s, want a descriptor", got)
	}
	if got := ask("filter", `{"right":"read","form":"list"}`); !strings.Contains(got, `"classes":[`) {
		t.Errorf("filter: %s, want classes", got)
	}
}
