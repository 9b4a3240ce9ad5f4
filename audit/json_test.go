package audit_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

var update = flag.Bool("update", false, "rewrite the golden files; read the difference before keeping it")

// line is the shape of U-80 as a reader of the log would declare it.
type line struct {
	ID              *uint64                    `json:"id"`
	Time            *string                    `json:"time"`
	Event           *int                       `json:"event"`
	Version         *int                       `json:"version"`
	Outcome         *string                    `json:"outcome"`
	Subcategory     *string                    `json:"subcategory"`
	SubcategoryGUID *string                    `json:"subcategory_guid"`
	Computer        *string                    `json:"computer"`
	ComputerRaw     string                     `json:"computer_raw"`
	Data            map[string]json.RawMessage `json:"data"`
	Access          []struct {
		Bit, Code, Text, Reason string
		ACE                     string `json:"ace"`
		ACERaw                  string `json:"ace_raw"`
	} `json:"access"`
	Chain *string `json:"chain"`
}

func readLine(t testing.TB, b []byte) line {
	t.Helper()
	var l line
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(&l)
	check.RequireThat(t, err == nil, "line %s: %v", b, err)
	return l
}

// The golden file has one line for each kind of event, and for opens with
// reasons. UC-01, UC-02, UC-63, U-80.
func TestRecordsEqualGoldenLines(t *testing.T) {
	var sink bytes.Buffer
	lines := audit.NewLines(&sink)
	log := audit.Log{Sink: lines, Names: people{}, Computer: "dc1.refmon.test", Clock: clock}
	log.Policy.Store(standardPolicy(t))
	for _, desired := range []winnt.AccessMask{1, 2} {
		openLine(t, &log, standardSD, desired)
	}
	openLine(t, &log, "O:SYG:SYD:(D;;0x2;;;S-1-5-21-1-2-3-1107)(A;;FA;;;S-1-5-21-1-2-3-1107)S:(AU;SAFA;0x3;;;WD)",
		0x100003)
	from := origin(t)
	for _, e := range everyEvent(t, from) {
		log.Write(e)
	}
	from.Subject = access.Subject{Primary: tokenSystem(t), Client: tokenU(t), Level: winnt.SecurityIdentification}
	log.Write(audit.ObjectAccessed(from, reportFile, 1, nil)) // UC-38
	strong := specU()
	strong.Privileges = winnt.Privileges(winnt.SeDebugPrivilege)
	log.Impersonated(origin(t), audit.Elevation{Thread: 0x200, KernelMode: true, CopyOnOpen: true, Level: 2,
		Client: mustToken(t, strong)})

	const file = "testdata/events.jsonl"
	if *update {
		check.NoError(t, os.WriteFile(file, sink.Bytes(), 0o644))
	}
	want := check.Must(os.ReadFile(file))
	got, expected := strings.Split(sink.String(), "\n"), strings.Split(string(want), "\n")
	check.Equal(t, len(got), len(expected), "lines")
	for i := range min(len(got), len(expected)) {
		check.That(t, got[i] == expected[i], "line %d:\n got %s\nwant %s", i+1, got[i], expected[i])
	}
}

func openLine(t *testing.T, log *audit.Log, descriptor string, desired winnt.AccessMask) {
	t.Helper()
	r := access.Request{Descriptor: sddl.MustParse(descriptor), Subject: access.Subject{Primary: tokenU(t)},
		Desired: desired, Type: winnt.FileObject}
	dec := check.Must(access.SeAccessCheck(&r))
	log.Opened(&audit.Opening{Origin: audit.Origin{ProcessID: 0x1A4, ProcessName: `C:\srv\files.exe`},
		Object: reportFile, Request: &r, Decision: dec})
}

// hostile are names that a writer without escaping would write wrongly (UC-61).
var hostile = []string{
	"two\nlines", "quote\"and\\slash", "<script>&amp;</script>", "tab\tcr\rnul\x00bell\x07",
	"\u2028\u2029 line separators",
	audit.FromUTF16([]uint16{'a', 0xD800, 'b'}), // a lone high surrogate
	audit.FromUTF16([]uint16{0xDC00}),           // a lone low surrogate
	audit.FromUTF16([]uint16{0xD83D, 0xDE00}),   // a valid pair: an emoji
	"\xff\xfe latin bytes", "\xed\xa0", "ends in \xe2\x82", "", strings.Repeat("long\n", 9000), "\uFFFD itself",
}

// checkHostile checks the properties that hold for any name (UC-61): one line, valid JSON, and the exact value can be
// recovered.
func checkHostile(t testing.TB, name string) {
	t.Helper()
	e := audit.ObjectAccessed(audit.Origin{}, audit.Object{Type: "File", Name: name}, 1, nil)
	e = e.WithHeader(audit.Header{ID: 4663, Subcategory: audit.FileSystem, Computer: name})
	b := e.AppendJSON(nil)
	check.RequireThat(t, !bytes.ContainsAny(b, "\n\r") && utf8.Valid(b),
		"UC-61 %q: want one line of UTF-8, got %q", name, b)
	l := readLine(t, b)
	want, _ := e.Field("ObjectName")
	checkText(t, want, stringOf(t, l.Data["ObjectName"]), stringOf(t, l.Data["ObjectName_raw"]))
	checkText(t, name, *l.Computer, l.ComputerRaw)
	for _, c := range []byte{'<', '>', '&'} { // no escaping for HTML
		check.RequireThat(t, strings.IndexByte(want, c) < 0 || bytes.IndexByte(b, c) >= 0,
			"U-80 %q: %q is escaped, want it unchanged", name, c)
	}
}

func checkText(t testing.TB, want, shown, raw string) {
	t.Helper()
	if utf8.ValidString(want) {
		check.RequireThat(t, shown == want && raw == "",
			`U-80: %q shows as %q, raw %q, want %q, ""`, want, shown, raw, want)
		return
	}
	exact, err := hex.DecodeString(raw)
	check.RequireThat(t, err == nil && string(exact) == want && strings.Contains(shown, "\uFFFD"),
		"U-80: %q shows as %q, raw %q: %v", want, shown, raw, err)
}

func stringOf(t testing.TB, raw json.RawMessage) string {
	if raw == nil {
		return ""
	}
	var s string
	check.NoError(t, json.Unmarshal(raw, &s))
	return s
}

func TestHostileNamesSurviveJSON(t *testing.T) {
	for _, name := range hostile {
		checkHostile(t, name)
	}
	for unit, raw := range map[uint16]string{0xD800: "eda080", 0xDBFF: "edafbf", 0xDC00: "edb080", 0xDFFF: "edbfbf"} {
		e := audit.ObjectAccessed(audit.Origin{}, audit.Object{Name: audit.FromUTF16([]uint16{unit})}, 1, nil)
		want := `"ObjectName":"` + "\uFFFD" + `","ObjectName_raw":"` + raw + `"`
		check.That(t, strings.Contains(string(e.AppendJSON(nil)), want),
			"U-80: the lone surrogate %#x is %s, want one U+FFFD and its bytes %s", unit, e.AppendJSON(nil), raw)
	}
	// In a list, the raw key is a list too.
	e := audit.HandleRequested(audit.Origin{}, audit.Object{Type: "File"},
		audit.HandleRequest{Access: 3, Reasons: []audit.Reason{{Bits: 1, Code: 1801, Entry: "D:\xff"},
			{Bits: 2, Code: 1801, Entry: "D:a"}}})
	l := readLine(t, e.AppendJSON(nil))
	var raw []string
	err := json.Unmarshal(l.Data["AccessReason_raw"], &raw)
	check.NoError(t, err)
	hexOf := func(s string) string { return hex.EncodeToString([]byte(s)) }
	check.SlicesEqual(t, raw, []string{hexOf("%%4416:\t%%1801\tD:\xff"), hexOf("%%4417:\t%%1801\tD:a")}, "U-80: raw list")
	check.Equal(t, l.Access[0].ACERaw, "443aff", "U-80: raw entry")
}

func FuzzHostileNames(f *testing.F) {
	for _, name := range hostile {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) { checkHostile(t, name) })
}

// Times agree with package time.
func TestJSONTimeMatchesPackageTime(t *testing.T) {
	rnd := source(t)
	start := time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC)
	ticks := []int64{0, 1, 10, 9_999_999, 10_000_000, clock(), 116_444_736_000_000_000, -1, 864_000_000_000 * 59,
		864_000_000_000 * 60}
	for range 20_000 {
		ticks = append(ticks, rnd.Int64N(2_650_467_743_999_999_999)) // up to 9999-12-31
	}
	for _, n := range ticks {
		e := audit.Event{}.WithHeader(audit.Header{Time: n})
		l := readLine(t, e.AppendJSON(nil))
		days, rest := max(n, 0)/864_000_000_000, max(n, 0)%864_000_000_000
		want := start.AddDate(0, 0, int(days)).Add(time.Duration(rest) * 100).Format(time.RFC3339Nano)
		check.Require(t, *l.Time, want, "time of %d", n)
	}
}

// A surrogate pair is one character; a single surrogate is kept in its three bytes, whatever its neighbours are.
func TestLoneSurrogatesAreKept(t *testing.T) {
	for _, c := range []struct {
		units []uint16
		want  string
	}{
		{nil, ""}, {[]uint16{'a', 0xE9, 0x20AC}, "aé€"}, {[]uint16{0xD83D, 0xDE00}, "\U0001F600"},
		{[]uint16{0xD800, 0xDC00}, "\U00010000"}, {[]uint16{0xDBFF, 0xDFFF}, "\U0010FFFF"},
		{[]uint16{'a', 0xD83D, 0xDE00, 'b', 0xD83D, 0xDE01}, "a\U0001F600b\U0001F601"},
		{[]uint16{0xD83D}, "\xed\xa0\xbd"}, {[]uint16{0xDE00}, "\xed\xb8\x80"},
		{[]uint16{0xDE00, 0xD83D}, "\xed\xb8\x80\xed\xa0\xbd"}, {[]uint16{0xD83D, 'a'}, "\xed\xa0\xbda"},
		{[]uint16{0xD83D, 0xD83D, 0xDE00}, "\xed\xa0\xbd\U0001F600"}, {[]uint16{0xD7FF, 0xE000}, "\ud7ff\ue000"},
	} {
		check.Equal(t, audit.FromUTF16(c.units), c.want, "%x", c.units)
	}
}
