package batch

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// TestBoundsOfALine: as many object types as the access check takes are read, and as many tokens and bytes of them may
// be
// defined as the limits say.
func TestBoundsOfALine(t *testing.T) {
	types := func(n int) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"level":%d,"guid":"%08x-0000-0000-0000-000000000000"}`, min(i, 1), i)
		}
		return `{"id":1,` + rest + `,"objectTypes":[` + b.String() + "]}"
	}
	for n, want := range map[int]string{access.MaxObjectTypes: `"status":"STATUS_SUCCESS"`,
		access.MaxObjectTypes + 1: `"status":"STATUS_INVALID_PARAMETER"`,
		access.MaxObjectTypes + 2: fmt.Sprintf("objectTypes: more than %d entries", access.MaxObjectTypes)} {
		if answers, _ := ask(t, false, types(n)); !strings.Contains(answers[0], want) {
			t.Errorf("%d object types: %.200s, want %s", n, answers[0], want)
		}
	}
	const line = `{"id":1,"define":{"a":{"user":"BA"},"b":{"user":"BU"}}}`
	size := len(`{"a":{"user":"BA"},"b":{"user":"BU"}}`)
	for _, c := range []struct {
		tokens, bytes int
		want          string
	}{
		{0, 0, `"defined":["a","b"]`}, {MaxDefinitions - 2, 0, `"defined":["a","b"]`},
		{MaxDefinitions - 1, 0, "define: more than 65536 tokens defined"},
		{0, maxDefineBytes - size, `"defined":["a","b"]`}, {0, maxDefineBytes - size + 1,
			"define: more than 64 MiB of token files"},
	} {
		defs := &definitions{tokens: make(map[string]*subject), bytes: c.bytes}
		for i := range c.tokens {
			defs.tokens[fmt.Sprint(i)] = nil
		}
		got, ok := (&checker{defs: defs}).answer(nil, []byte(line), 1)
		if !strings.Contains(string(got), c.want) || ok != strings.HasPrefix(c.want, `"`) {
			t.Errorf("%d tokens, %d bytes: %s, want %s", c.tokens, c.bytes, got, c.want)
		}
		if ok && (defs.bytes != c.bytes+size || len(defs.tokens) != c.tokens+2) || !ok && len(defs.tokens) != c.tokens {
			t.Errorf("%d tokens, %d bytes before: %d and %d after", c.tokens, c.bytes, len(defs.tokens), defs.bytes)
		}
	}
}

// TestUserDomain: only the domain of a user S-1-5-21-x-y-z-rid gives relative aliases a meaning.
func TestUserDomain(t *testing.T) {
	for user, want := range map[string]string{"S-1-5-21-1-2-3-1107": "S-1-5-21-1-2-3", "S-1-5-21-1-2-3": "",
		"S-1-5-21-1-2-3-4-5": "", "S-1-5-20-1-2-3-4": "", "S-1-4-21-1-2-3-4": "", "S-1-5-18": "", "S-1-5-32-544": ""} {
		tok, err := token.New(token.Spec{User: token.Group{SID: sid.MustParse(user)}})
		if err != nil {
			t.Fatal(err)
		}
		if got := UserDomain(tok); got.IsZero() != (want == "") || !got.IsZero() && got.String() != want {
			t.Errorf("%s: %v, want %q", user, got, want)
		}
	}
}

// TestAliasesPerDomain: one text is a descriptor for the users of one domain and another for
// those of another, whichever asks first; the same in hex is one for all.
func TestAliasesPerDomain(t *testing.T) {
	const inDomain = `{"id":1,"token":{"user":"S-1-5-21-%[1]s-1107","groups":["S-1-5-21-%[2]s-513"]},%[3]s,"desired":"FR"}`
	text := `"sd":"O:BAG:SYD:(A;;FR;;;DU)"`
	b := sddl.MustParse("O:BAG:SYD:(A;;FR;;;S-1-5-21-1-2-3-513)").Append(nil)
	for _, c := range []struct {
		sd   string
		want [4]bool
	}{{text, [4]bool{true, true, false, false}}, {fmt.Sprintf(`"sdHex":"%x"`, b), [4]bool{true, false, false, true}}} {
		for range 2 {
			var lines strings.Builder
			for _, who := range [][2]string{{"1-2-3", "1-2-3"}, {"4-5-6", "4-5-6"}, {"1-2-3", "4-5-6"}, {"4-5-6", "1-2-3"}} {
				fmt.Fprintf(&lines, inDomain+"\n", who[0], who[1], c.sd)
			}
			answers, _ := ask(t, false, lines.String())
			for i, want := range c.want {
				if got := strings.Contains(answers[i], `"status":"STATUS_SUCCESS"`); got != want {
					t.Errorf("%.10s, line %d: %s, want access: %t", c.sd, i, answers[i], want)
				}
			}
		}
	}
}

// TestRefusalsInWords: a call that failed before it decided anything says by which rule, in full; each failure of a
// line
// quotes what was found.
func TestRefusalsInWords(t *testing.T) {
	for line, want := range map[string]string{
		`{"id":1,"tokenRef":"alice","sd":"O:BAG:SYD:","desired":"GR","call":"NtAccessCheck"}`: `"rule":"A-12","ace":null,` +
			`"bits":"0x80000000","because":"NtAccessCheck takes no generic rights: the caller maps them"`,
		`{"id":1,"token":{"user":"BA"},"sd":"O:BAG:SYD:","desired":1,"call":"NtAccessCheck"}`: `"rule":"A-14","ace":null,` +
			`"bits":"0x00000001","because":"NtAccessCheck takes an impersonation token, and this is a primary one"`,
		`{"id":1,"token":{"user":"BA","type":"Impersonation","impersonationLevel":"Anonymous"},"sd":"O:BAG:` +
			`SYD:","desired":1,` +
			`"call":"NtAccessCheck"}`: `"because":"the token's level is below SecurityIdentification"`,
		`{"id":1,"tokenRef":"alice","sdHex":"0200048000000000000000000000000000000000","desired":` +
			`2,"call":"NtAccessCheck"}`: `"becau` +
			`se":"the security descriptor cannot be captured"`,
		`{"id":1,"tokenRef":"alice","sd":"O:BAD:","desired":1,"call":"NtAccessCheck"}`: `"because":"the security ` +
			`descriptor has no ` +
			`owner or no group"`,
		`{"id":1,` + rest + `,"resultList":true,"call":"NtAccessCheck"}`: `"rule":"A-11","ace":` +
			`null,"bits":"0x00000001","because":` +
			`"a result list was asked for without object types"`,
		`{"id":1,` + rest + `,"call":"NtAccessCheck","objectTypes":[{"level":1,"guid":"` + x +
			`"}]}`: `"rule":"A-26","ace":null,` +
			`"bits":"0x00000001","because":"the object types are no tree in preorder"`,
		`{"id":1,` + rest + `,"resultList":true,"call":"NtAccessCheck","objectTypes":[{"level":0,"guid":"` + x +
			`"}]}`: `"results":[` +
			`{"status":"STATUS_SUCCESS","granted":"0x00000001"}],"why":[{"rule":"A-82"`,
		`{"id":1,` + rest + `,"resultList":true,"objectTypes":[{"level":0,"guid":"` + x + `"}]}`: `"results":[` +
			`{"status":"STATUS_SUCCESS","granted":"0x00000001"}],"why":[{"rule":"A-82"`,
		`{"id":1,` + rest + `,"resultList":` +
			`false}`: `"status":"STATUS_SUCCESS","granted":"0x00000001","privilegesUsed":[],"why":`,
		`{"id":1,` + rest + `,"call":"Check"}`: `call: want \"SeAccessCheck\" or \"NtAccessCheck\", ` +
			`found \"Check\"`,
		`{"id":1,"tokenRef":"alice","desired":1,"sd":"O:BAG:SY"}`: `"note":"the descriptor has no D: part: no DACL limits ` +
			`access"`,
	} {
		if answers, _ := ask(t, true, line); !strings.Contains(answers[0], want) &&
			!strings.Contains(strings.ReplaceAll(answers[0], `\u0022`, `\"`), want) {
			t.Errorf("%s\n got %s\nwant %s", line, answers[0], want)
		}
	}
	// What made the capture fail is the status, where the missing descriptor would be.
	q := &Question{Call: NtAccessCheck, Capture: ntstatus.InvalidOwner}
	if got := q.refused(ntstatus.InvalidOwner); got.Rule != "A-18" || got.ACE != -1 {
		t.Errorf("A-18: %+v", got)
	}
}
