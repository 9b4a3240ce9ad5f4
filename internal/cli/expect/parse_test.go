package expect

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/test/check"
)

// TestParseErrorsNameTheLine checks that each malformed part of a file is named, with its line.
func TestParseErrorsNameTheLine(t *testing.T) {
	// with replaces a part of a valid expectation, whose fields are at lines 4 to 7.
	with := func(old, part string) string {
		const row = "who: a,\n on: d,\n want: FR,\n is: denied"
		return "principals: {a: {user: SY}}\ndescriptors: {d: 'D:'}\nexpect:\n- {" +
			strings.Replace(row, old, part, 1) + "}"
	}
	for text, want := range map[string]string{
		"a: 1": "line 1: a: unknown field, want one of domain, directory, principals, descriptors, objects, paths, " +
			"expect",
		"Domain: 1":                       "line 1: Domain: unknown field, write it domain",
		"domain: x":                       `line 1: domain: SID "x": at byte 0: want S-1-… or a two-letter alias`,
		"domain: [x]":                     "line 1: domain: want text",
		"\n\ndomain:\n  - x\n":            "line 4: domain: want text",
		"domain: WD\ndomain: WD":          "line 2: domain: given twice",
		"principals:\n  a: b.json":        "line 2: principals.a: no files here",
		"principals: {b: 1}":              "line 1: principals.b: no files here",
		"principals:\n  a: {user: *x}":    "line 2: an alias (*) is not read: write the value out",
		"principals:\n  a: &x {user: SY}": "line 2: an anchor (&) is not read: write the value out",
		"domain: !!str x":                 "line 1: a tag (!!str) is not read: write the value out",
		"domain: WD\n---\ndomain: WD":     "line 2: a second document begins: want one",
		"domain: S-1-5-21-1-2-3\nprincipals:\n  a: {}": "line 3: principals.a: token file: user: missing, a token needs " +
			"the SID of its user (byte 2)",
		"domain: S-1-5-21-1-2-3\nprincipals: {a: {user: SY,\n  user: BA}}": "line 3: principals.a.user: " +
			"given twice",
		"descriptors:\n  d: {type: file}":           "line 2: descriptors.d: want either sddl or hex",
		"descriptors: {d: {sddl: 'D:', hex: '01'}}": "line 1: descriptors.d: want either sddl or hex",
		"descriptors: {d: {sddl: 'D:',\n  type: pipes}}": "line 2: descriptors.d.type: no such type of object \"pipes\", " +
			"want one of " + accessquery.ObjectTypes,
		"descriptors:\n  d: {hex: zz}":       "line 2: descriptors.d: encoding/hex: invalid byte: U+007A 'z'",
		"descriptors:\n  d: 'D:'\n  d: 'D:'": "line 3: descriptors.d: given twice",
		"descriptors: {d: [a]}":              "line 1: descriptors.d: want text",
		"descriptors: {d: {sddl: [a]}}":      "line 1: descriptors.d.sddl: want text",
		"- a":                                "line 1: want an object",
		"expect: 1": "line 1: expect: want a list, each with name, who, on, want, is, why, " +
			"self, call",
		"expect: []":                  "nothing to test: the file has no expect",
		strings.Repeat("[", 200_000):  "line 1: nested more than 64 deep",
		strings.Repeat("- ", 100_000): "line 1: nested more than 64 deep",

		with("who: ", "why: "):                 `line 4: expect[0]: the expectation lacks "who"`,
		with("on: ", "why: "):                  `line 4: expect[0]: the expectation lacks "on"`,
		with("is: ", "why: "):                  `line 4: expect[0]: the expectation lacks "is"`,
		with("FR", "[FR, FW]"):                 "line 6: expect[0].want: want one value",
		with("FR", "[[FR]]"):                   "line 6: expect[0].want[0]: want text",
		with("FR", "PROCESS_TERMINATE"):        "line 6: expect[0].want: PROCESS_TERMINATE is a right ",
		with("FR", "nonsense"):                 "line 6: expect[0].want: ",
		with("FR", "control+read"):             "line 6: expect[0].want: control cannot be combined with other ",
		with("denied", "[]"):                   "line 7: expect[0].is: want one value",
		with("denied", "Denied"):               `line 7: expect[0].is: "Denied", want granted or denied`,
		with("who: a", "who: a, name: [b, c]"): "line 4: expect[0].name: want one value",
		with("who: a", "who: a, call: []"):     "line 4: expect[0].call: want one value",
		with("who: a", "who: a, self: []"):     "line 4: expect[0].self: want one value",
		with("who: a", "who: a, self: QQ"):     "line 4: expect[0].self: ",
		with("who: a", "who: a, call: Open"):   `line 4: expect[0].call: "Open", want SeAccessCheck or NtAccessCheck`,
		with("who: a", "who: a, why: ''"):      "line 4: expect[0].why: want text",
		with("who: a", "who: a, why: [b, '']"): "line 4: expect[0].why: want text",
		with("who: a", "who: a, why: []"):      "line 4: expect[0].why: want text",
		with("who: a", "who: [a, z]"):          `line 4: expect[0].who: unknown principal "z"`,
		with("on: d", "on: e"):                 `line 5: expect[0].on: there is no descriptor and no object "e"`,
		with("on: d", `on: "/a/**"`): `line 5: expect[0].on: there is no descriptor and no object "/a/**": * matches ` +
			"within one folder, so write a pattern for each level instead of **",
		with("", "") + "\n- {want: []}": "line 8: expect[1].want: want one value",
	} {
		_, err := Parse([]byte(text), Outside{Open: noFiles})
		var e *Error
		check.That(t, errors.As(err, &e) && !strings.Contains(e.Problem, "line") && (err.Error() == want ||
			strings.HasSuffix(want, " ") && strings.HasPrefix(err.Error(), want)),
			"%.200q: %v, want %s", text, err, want)
	}
}

// FuzzParse checks that no file causes a panic, that time and memory are bounded, and that a parsed file can be run.
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
		used := after.TotalAlloc - before.TotalAlloc
		check.That(t, used <= 4096*uint64(len(b))+16<<20 && time.Since(start) <= 10*time.Second,
			"%d bytes of memory and %v for a file of %d bytes, want less", used, time.Since(start), len(b))
		if err == nil && len(file.cases) < 1000 {
			file.Run(time.Now)
		}
	})
}

// TestFileBeyondMaximumSizeIsRejected checks that a file of the maximum size is read, and that one of a byte more is
// not.
func TestFileBeyondMaximumSizeIsRejected(t *testing.T) {
	const text = "principals: {u: {user: SY}}\ndescriptors: {d: 'D:'}\n" +
		"expect: [{who: u, on: d, want: 1, is: denied}]\n"
	largest := text + strings.Repeat(strings.Repeat("#", 1023)+"\n", MaxFile/1024)
	check.NoError(t, check.Err(Parse([]byte(largest[:MaxFile]), Outside{Open: noFiles})))
	err := check.Err(Parse([]byte(largest[:MaxFile+1]), Outside{Open: noFiles}))
	check.Equal(t, fmt.Sprint(err), "longer than 4194304 bytes", "error of a file of a byte more")
}
