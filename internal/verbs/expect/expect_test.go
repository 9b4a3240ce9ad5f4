package expect

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

func noFiles(string) ([]byte, error) { return nil, errors.New("no files here") }

// TestExampleFile: the example holds, as the help text promises.
func TestExampleFile(t *testing.T) {
	b, err := os.ReadFile("../../../examples/permissions.yaml")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(b, Outside{
		Open: func(name string) ([]byte, error) { return os.ReadFile("../../../examples/" + name) }})
	if err != nil {
		t.Fatal(err)
	}
	r := f.Run(time.Now)
	for _, c := range r.Cases {
		if c.Problem != "" {
			t.Errorf("line %d: %s on %s: %s\n%s", c.Line, c.Who, c.On, c.Problem, c.Why)
		}
	}
	if len(r.Cases) != 12 || r.Failed != 0 || len(r.Coverage) != 3 {
		t.Errorf("%d cases, %d failed, %d descriptors", len(r.Cases), r.Failed, len(r.Coverage))
	}
}

// TestCoverage: an entry counts as watched once it granted or denied something
// in a case, whatever the case expected.
func TestCoverage(t *testing.T) {
	f, err := Parse([]byte(`
principals: {u: {user: S-1-5-21-1-2-3-1001, groups: [WD]}}
descriptors:
  d: O:BAG:SYD:(D;;0x2;;;WD)(A;OICIIO;FA;;;BA)(A;;0x1;;;WD)(A;;0x4;;;WD)
expect:
  - {who: u, on: d, want: 2, is: denied}
  - {who: u, on: d, want: 1, is: granted}
`), Outside{Open: noFiles})
	if err != nil {
		t.Fatal(err)
	}
	c := f.Run(time.Now).Coverage[0]
	if c.Entries != 3 || len(c.Never) != 1 || c.Never[0].Index != 3 || c.Line != 4 {
		t.Errorf("coverage %+v", c)
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1": "line 1: a: unknown field, want one of domain, directory, principals, descriptors, objects, paths, " +
			"expect",
		"Domain: 1":                       "line 1: Domain: unknown field, write it domain",
		"domain: x":                       "",
		"domain: WD\ndomain: WD":          "line 2: domain: given twice",
		"principals:\n  a: b.json":        "line 2: principals.a: no files here",
		"principals:\n  a: {user: *x}":    "line 2: an alias (*) is not read: write the value out",
		"principals:\n  a: &x {user: SY}": "line 2: an anchor (&) is not read: write the value out",
		"domain: !!str x":                 "line 1: a tag (!!str) is not read: write the value out",
		"domain: WD\n---\ndomain: WD":     "line 2: a second document begins: want one",
		"domain: S-1-5-21-1-2-3\nprincipals:\n  a: {}": "line 3: principals.a: token file: user: missing, a token needs " +
			"the SID of its user (byte 2)",
		"descriptors:\n  d: {type: file}":    "line 2: descriptors.d: want either sddl or hex",
		"descriptors:\n  d: {hex: zz}":       "line 2: descriptors.d: encoding/hex: invalid byte: U+007A 'z'",
		"descriptors:\n  d: 'D:'\n  d: 'D:'": "line 3: descriptors.d: given twice",
		"- a":                                "line 1: want an object",
		"expect: 1": "line 1: expect: want a list, each with name, who, on, want, is, why, " +
			"self, call",
		"expect: []":                  "nothing to test: the file has no expect",
		strings.Repeat("[", 200_000):  "line 1: nested more than 64 deep",
		strings.Repeat("- ", 100_000): "line 1: nested more than 64 deep",
	} {
		_, err := Parse([]byte(text), Outside{Open: noFiles})
		var e *Error
		if !errors.As(err, &e) || want != "" && err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// FuzzParse: no input makes the reader panic, its time and memory are bounded, and what it reads can be run.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"principals: {u: {user: S-1-5-21-1-2-3-1001}}\ndescriptors: {d: 'D:'}\nexpect: [{who: u, on: d, want: 1, is: " +
			"denied}]",
		"a: &x 1\nb: *x", "? [a]\n: b", "expect:\n- {who: [", "principals: !!map {}",
		"\xef\xbb\xbfdomain: S-1-5-21-1-2-3",
		"expect: [{}]", "x: |\n  y", "<<: {a: 1}", "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		file, err := Parse(b, Outside{Open: noFiles})
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 4096*uint64(len(b))+16<<20 ||
			time.Since(start) > 10*time.Second {
			t.Errorf("%d bytes of memory and %v for %d of the file", used, time.Since(start), len(b))
		}
		if err == nil && len(file.cases) < 1000 {
			file.Run(time.Now)
		}
	})
}
