package authzen

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// question returns a question about the user named who and a record. properties are JSON objects of the subject, the
// action, the resource and the context, in this order; "" is absent.
func question(t testing.TB, who, action, record string, properties ...string) *Question {
	t.Helper()
	of := func(i int) string {
		if i < len(properties) && properties[i] != "" {
			return `,"properties":` + properties[i]
		}
		return ""
	}
	context := ""
	if len(properties) > 3 {
		context = `,"context":` + properties[3]
	}
	q, err := decodeOne(fmt.Appendf(nil,
		`{"subject":{"type":"user","id":%q%s},"action":{"name":%q%s},"resource":{"type":"record","id":%q%s}%s}`, who,
		of(0), action, of(1), record, of(2), context))
	check.NoError(t, err)
	q.Caller = Caller{"service", "gateway"}
	return &q
}

// TestUnlistedRequestPropertyIsIgnored checks which properties of a request count (Z-13), and that a missing one grants
// nothing (Z-14).
func TestUnlistedRequestPropertyIsIgnored(t *testing.T) {
	types := example(t)
	for _, c := range []struct {
		name, subject, action, record string
		properties                    []string
		want                          bool
	}{
		{"the status of record-3 comes from the request", "carol", "can_edit", "record-3",
			[]string{"", "", `{"status":"draft"}`}, true},
		{"or locks it", "carol", "can_edit", "record-3", []string{"", "", `{"status":"locked"}`}, false},
		{"a missing status grants nothing", "carol", "can_edit", "record-3", nil, false},
		{"neither does another kind", "carol", "can_edit", "record-3", []string{"", "", `{"status":["draft"]}`}, false},
		{"nor null", "carol", "can_edit", "record-3", []string{"", "", `{"status":null}`}, false},
		{"nor another case", "carol", "can_edit", "record-3", []string{"", "", `{"Status":"draft"}`}, false},
		{"the file wins", "bob", "can_edit", "record-2", []string{"", "", `{"status":"draft"}`}, false},
		{"an unlisted property is ignored", "dave", "can_view", "record-4", []string{"", "", `{"deleted":false}`},
			false},
		{"so is the owner", "dave", "can_edit", "record-1", []string{"", "", `{"owner":"dave"}`}, false},
		{"so is a property of the subject", "carol", "can_edit", "record-1",
			[]string{`{"department":"sales","groups":["admins"]}`}, false},
		{"the action needs a scope", "alice", "can_share", "record-1", nil, false},
		{"a declared one", "alice", "can_share", "record-1", []string{"", `{"scope":"all"}`}, false},
		{"of its kind", "alice", "can_share", "record-1", []string{"", `{"scope":1}`}, false},
		{"internal adds nothing", "carol", "can_share", "record-1", []string{"", `{"scope":"internal"}`}, true},
		{"public adds a right", "carol", "can_share", "record-1", []string{"", `{"scope":"public"}`}, false},
		{"which admins have", "alice", "can_share", "record-1", []string{"", `{"scope":"public"}`}, true},
		{"and the owner, for a purpose", "carol", "can_share", "record-3",
			[]string{"", `{"scope":"public"}`, `{"status":"x"}`, `{"purpose":"support"}`}, true},
		{"also if its name is escaped", "carol", "can_share", "record-3",
			[]string{"", `{"scope":"public"}`, `{"status":"x"}`, `{"p\u0075rpose":"support"}`}, true},
		{"but for no other", "carol", "can_share", "record-3",
			[]string{"", `{"scope":"public"}`, `{"status":"x"}`, `{"purpose":"sale"}`}, false},
		{"the context is not the subject's", "carol", "can_share", "record-3",
			[]string{`{"purpose":"support"}`, `{"scope":"public"}`, `{"status":"x"}`}, false},
	} {
		if a := types.Decide(question(t, c.subject, c.action, c.record, c.properties...), nil); a.Decision != c.want {
			t.Errorf("%s: %+v, want %v", c.name, a, c.want)
		}
	}
	check.That(t, !new(Types).Decide(question(t, "alice", "can_view", "record-1"), nil).Decision, "the zero value allows")
}

// TestFilePropertyOverridesRequest checks that a request cannot replace a property of the file, even if it may set that
// property for others (Z-13), and that an unknown object has no rights, whatever the template grants (Z-14).
func TestFilePropertyOverridesRequest(t *testing.T) {
	types, err := ReadTypes([]byte(`{"subjects":{"user":{"a":{"properties":{"Level":1}},"b":{}}},"types":{"record":{
		"rights":["r"],"descriptor":"O:SYG:SYD:(XA;;${r};;;WD;(@User.level == 1))","actions":{"do":{"rights":["r"]}},
		"request":{"subject":{"level":"integer"}},"objects":{"known":{}}}}}`))
	check.NoError(t, err)
	for _, c := range []struct {
		who, level string
		want       bool
	}{{"a", "2", true}, {"b", "2", false}, {"b", "1", true}} {
		properties := `{"level":` + c.level + `}`
		a := types.Decide(question(t, c.who, "do", "known", properties), nil)
		check.That(t, a.Decision == c.want, "%+v: %+v", c, a)
		a = types.Decide(question(t, c.who, "do", "unknown", properties), nil)
		check.That(t, !a.Decision, "%+v: an unknown object is granted", c)
	}
	// A property of the file overrides only the same part of the request.
	types, err = ReadTypes([]byte(`{"subjects":{"user":{"a":{"properties":{"Level":1,"depth":1}}}},"types":{"record":{
		"rights":["r"],
		"descriptor":"O:SYG:SYD:(XA;;${r};;;WD;(@User.level == 1 && level == 2 && depth == 3 && @Resource.level == 4))",
		"actions":{"do":{"rights":["r"]}},
		"request":{"action":{"depth":"integer"},"context":{"level":"integer"},"resource":{"level":"integer"}}}}}`))
	check.NoError(t, err)
	a := types.Decide(question(t, "a", "do", "any", `{"level":5}`, `{"depth":3}`, `{"level":4}`, `{"level":2}`), nil)
	check.That(t, a.Decision, "Z-13: properties of the file override other parts of the request: %+v", a)
}

// TestPropertiesOfEachPartAreSeparate checks that a property of the subject is a user claim, and one of the action or
// context a local attribute (Z-13). A malformed property denies even what everybody may do.
func TestPropertiesOfEachPartAreSeparate(t *testing.T) {
	for _, c := range []struct {
		condition, subject, action, context string
		want                                string // the reason of a denial; "": allowed
	}{
		{"@User.level == 2", `{"level":2}`, "", "", ""}, {"depth == 2", "", `{"depth":2}`, "", ""},
		{"level == 2", "", "", `{"level":2}`, ""},
		{"level == 2", `{"level":2}`, "", "", "r: "}, {"@User.level == 2", "", "", `{"level":2}`, "r: "},
		{"@User.depth == 2", "", `{"depth":2}`, "", "r: "}, {"depth == 2", "", "", `{"depth":2}`, "r: "},
		{"@User.level == 2 && level == 3", `{"level":2}`, "", `{"level":3}`, ""},
		{"", `{"level":"2"}`, "", "", "subject.properties.level: "},
		{"", "", `{"depth":"2"}`, "", "action.properties.depth: "},
		{"", "", "", `{"level":"2"}`, "context: properties.level: "}, {"", "", "", "", ""},
	} {
		ace := "(A;;${r};;;WD)"
		if c.condition != "" {
			ace = "(XA;;${r};;;WD;(" + c.condition + "))"
		}
		types, err := ReadTypes([]byte(`{"subjects":{"user":{"a":{}}},"types":{"record":{"rights":["r"],
			"descriptor":"O:SYG:SYD:` + ace + `","actions":{"do":{"rights":["r"]}},"request":{
			"subject":{"level":"integer"},"action":{"depth":"integer"},
			"context":{"absent":"integer","level":"integer"}}}}}`))
		check.NoError(t, err)
		properties := []string{c.subject, c.action, ""}
		if c.context != "" {
			properties = append(properties, c.context)
		}
		a := types.Decide(question(t, "a", "do", "any", properties...), nil)
		check.That(t, a.Decision == (c.want == "") && strings.HasPrefix(a.ReasonAdmin, c.want), "Z-13: %+v: %+v", c, a)
	}
}

// TestRequestOwnerMustBeKnownSubject checks that an owner whom the request names is one of the file's subjects, and
// that without exactly one the owner's entry matches nobody. The owner has no rights on an undeclared object, and none
// by an action without its declared property (Z-14).
func TestRequestOwnerMustBeKnownSubject(t *testing.T) {
	const file = `{"subjects":{"user":{"a":{},"b":{}}},"types":{"record":{"rights":["r"],
		"descriptor":"O:SYG:SYD:(A;;${r};;;OW)","owner":{"property":"owner","type":"user"},
		"actions":{"do":{"rights":["r"]}},"request":{"resource":{"owner":"string"}}}}}`
	for _, c := range []struct {
		properties, old, new string // new replaces old in the file
		want                 bool
	}{
		{`{"owner":"a"}`, "", "", true},
		{`{"owner":"b"}`, "", "", false},
		{`{"owner":"c"}`, "", "", false},
		{`{"owner":"S-1-1-0"}`, "", "", false},
		{`{}`, "", "", false},
		{`{"owner":["a","b"]}`, `"string"`, `"strings"`, false},
		{`{}`, "${r};;;OW", "GA;;;WD", true},
		{`{}`, "${r};;;OW", "GR;;;WD", false},
		{`{"owner":"a"}`, `"request"`, `"objects":{},"request"`, false},
		{`{"owner":"a"}`, `"request"`, `"objects":{"any":{"owner":"b"}},"request"`, false},
		{`{"owner":"a"}`, `{"rights":["r"]}`, `{"rights":["r"],"properties":{"scope":{"":["r"]}}}`, false},
		{`{"owner":"a"}`, `{"rights":["r"]}`, `{"rights":["r"],"properties":{"scope":{}}}`, false},
	} {
		types, err := ReadTypes([]byte(strings.Replace(file, c.old, c.new, 1)))
		check.NoError(t, err)
		a := types.Decide(question(t, "a", "do", "any", "", "", c.properties), nil)
		check.That(t, a.Decision == c.want, "%s %s: %+v, want %v", c.properties, c.new, a, c.want)
	}
	types, err := ReadTypes([]byte(file))
	check.NoError(t, err)
	other := token.NetworkUser(types.subjects[Caller{"user", "a"}].spec.User.SID)
	check.That(t, types.Decide(question(t, "x", "do", "any", "", "", `{"owner":"a"}`), &other).Decision,
		"the caller's user does not replace the subject of the question")
	system := token.NetworkUser(sid.LocalSystem)
	check.That(t, !types.Decide(question(t, "x", "do", "any", "", "", `{}`), &system).Decision,
		"the owner of the template owns an object without an owner")
}

// TestQuestionsAboutOthersAreRateLimited checks the right to ask about others and the rate (Z-15).
func TestQuestionsAboutOthersAreRateLimited(t *testing.T) {
	types := example(t)
	types.rate = 4
	asking := types.Asking(nil)
	for _, c := range []struct {
		caller Caller
		about  string
		status int
	}{
		{Caller{"service", "gateway"}, "alice", 0}, {Caller{"user", "alice"}, "alice", 0},
		{Caller{"user", "bob"}, "alice", 403}, {Caller{"service", "guest"}, "alice", 403},
		{Caller{"service", "guest"}, "guest", 403}, {Caller{"user", "other"}, "other", 403}, {Caller{}, "alice", 403},
		{Caller{"service", "gateway"}, "alice", 0}, {Caller{"service", "gateway"}, "alice", 0},
		{Caller{"service", "gateway"}, "alice", 0}, {Caller{"service", "gateway"}, "alice", 429},
		{Caller{"user", "alice"}, "alice", 0},
	} {
		q := question(t, c.about, "can_view", "record-1")
		q.Caller = c.caller
		a, err := asking.Evaluate(t.Context(), q)
		var e *Error
		if errors.As(err, &e); (e == nil) != (c.status == 0) || e != nil && e.Status != c.status || a.Decision != (e == nil) {
			t.Errorf("%v: %+v, %v, want status %d", c.caller, a, err, c.status)
		}
	}
	types.rate, types.ask = 4, nil
	check.That(t, check.Err(types.Asking(nil).Evaluate(t.Context(), question(t, "alice", "can_view", "record-1"))) != nil,
		"without a descriptor the gateway asks about others")
	types.rate = 0 // as for a file without the key ask
	about := question(t, "alice", "can_view", "record-1")
	about.Caller = Caller{"user", "alice"}
	a, err := types.Asking(nil).Evaluate(t.Context(), about)
	check.That(t, err == nil && a.Decision, "Z-15: without ask, alice about herself: %+v, %v", a, err)
}

// full is a sink whose writes fail.
type full struct{}

func (full) Write(audit.Event) error { return errors.New("full") }

// TestUnrecordedQuestionGetsNoDecision checks that each question is recorded with its caller and decision, and that a
// question whose record fails gets no decision (Z-17).
func TestUnrecordedQuestionGetsNoDecision(t *testing.T) {
	sink := audit.NewMemory(0, 0)
	log := &audit.Log{Sink: sink}
	policy, err := audit.NewPolicy(audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{
		audit.KernelObject: audit.OnBoth}, Options: audit.Options{CrashOnAuditFail: audit.FailOnAuditFail}})
	check.NoError(t, err)
	log.Policy.Store(policy)
	asking := example(t).Asking(log)
	for who, want := range map[string]audit.Outcome{"alice": audit.Success, "dave": audit.Failure} {
		q := question(t, who, "can_view", "record-1")
		if _, err := asking.Evaluate(t.Context(), q); err != nil {
			t.Error(err)
		}
		list := sink.Drain()
		check.RequireThat(t, len(list) == 1 && list[0].Outcome == want, "%s: %v, want one record", who, list)
		for field, want := range map[string]string{"ObjectServer": "AuthZEN", "ObjectType": "Question",
			"ObjectName":     `"user" "` + who + `" "can_view" "record" "record-1"`,
			"SubjectUserSid": asking.subjects[q.Caller].spec.User.SID.String()} {
			got, _ := list[0].Field(field)
			check.Equal(t, got, want, "%s of a record", field)
		}
	}
	refused := question(t, "alice", "can_view", "record-1")
	refused.Caller = Caller{"service", "guest"}
	check.That(t, check.Err(asking.Evaluate(t.Context(), refused)) != nil, "a guest asks")
	if list := sink.Drain(); len(list) != 1 || list[0].Outcome != audit.Failure {
		t.Errorf("an attempt to ask has the records %v, want a failure", list)
	}
	log.Sink = full{}
	self := question(t, "alice", "can_view", "record-1")
	self.Caller = Caller{"user", "alice"}
	for _, q := range []*Question{question(t, "alice", "can_view", "record-1"),
		question(t, "dave", "can_view", "record-1"), refused, self} {
		a, err := asking.Evaluate(t.Context(), q)
		check.That(t, errors.Is(err, errUnrecorded) && !a.Decision, "%s without a record: %+v, %v", q, a, err)
	}
	asking.Types.ask = nil
	if a, err := asking.Evaluate(t.Context(), self); err != nil || !a.Decision {
		t.Errorf("a question that needs no record: %+v, %v", a, err)
	}
	for id, cut := range map[string]bool{strings.Repeat("x", 4096): false, strings.Repeat("x", 4097): true} {
		got := (&Question{Subject: Entity{ID: id}}).String()
		check.That(t, strings.Contains(got, "…") == cut, "a record with an id of %d bytes: %.100q", len(id), got)
	}
	long := question(t, strings.Repeat("ä", 2000), "can_view", "x")
	long.Subject.ID, long.Resource.ID = strings.Repeat("\x00\n", 3000), "\u202e"
	if got := long.String(); len(got) > 8*mostRecorded || strings.ContainsAny(got, "\x00\n\u202e") {
		t.Errorf("a record of %d bytes: %.100q", len(got), got)
	}
}

// TestActionNeedsRightOfEachProperty checks that an action needs the rights of all its properties, in whatever order.
// The template's own resource attribute counts together with those of the resource.
func TestActionNeedsRightOfEachProperty(t *testing.T) {
	types, err := ReadTypes([]byte(`{"subjects":{"user":{"a":{},"b":{},"c":{}}},"types":{"record":{"rights":["r","v","w"],
		"descriptor":"O:SYG:SYD:(A;;${r,v};;;${user a})(A;;${r,w};;;${user b})(XA;;${r,v,w};;;${user c};` +
		`(@Resource.kind == 1 && @Resource.size == 2))S:(RA;;;;;WD;(\"kind\",TI,0,1))",
		"actions":{"do":{"rights":["r"],"properties":{"p":{"x":["v"]},"q":{"x":["w"]}}}},
		"request":{"resource":{"size":"integer"}}}}}`))
	check.NoError(t, err)
	for i := range 60 { // the order of properties is random
		who := string(rune('a' + i%3))
		a := types.Decide(question(t, who, "do", "any", "", `{"p":"x","q":"x"}`, `{"size":2}`), nil)
		check.Equal(t, a.Decision, who == "c", "%s: %+v", who, a)
	}
}

// TestReasonsNeedReadControl checks that a reason names entries only to a subject with READ_CONTROL (Z-16). The group
// has the name of a right.
func TestReasonsNeedReadControl(t *testing.T) {
	types, err := ReadTypes([]byte(`{"groups":["r"],"subjects":{"user":{"a":{"groups":["r"]},"b":{}}},
		"types":{"record":{"rights":["r","w"],
		"descriptor":"O:SYG:SYD:(D;;${w};;;WD)(A;;RC;;;${r})",
		"actions":{"do":{"rights":["r","w"]},
			"tag":{"rights":["r"],"properties":{"p":{},"q":{},"r":{},"s":{}}}}}}}`))
	check.NoError(t, err)
	// Of several missing properties the reason names the first.
	check.Equal(t, types.Decide(question(t, "a", "tag", "any"), nil).ReasonAdmin,
		`property "p" of the action is missing or has no declared value`, "tag")
	const why = "w: denied by (D;;DC;;;WD)"
	for who, user := range map[string]string{"a": why, "b": "access denied"} {
		a := types.Decide(question(t, who, "do", "any"), nil)
		check.That(t, !a.Decision && a.ReasonAdmin == why && a.ReasonUser == user,
			"%s: %+v, want %q and %q", who, a, why, user)
	}
}

// TestDenialNamesProblem checks the reason returned for a question that cannot be decided.
func TestDenialNamesProblem(t *testing.T) {
	types := example(t)
	for _, c := range []struct {
		who, action, record string
		properties          []string
		want                string
	}{
		{"erin", "can_view", "record-1", nil, "the subject is unknown"},
		{"bob", "can_fly", "record-1", nil, `no action "can_fly" is declared for this type`},
		{"bob", "can_share", "record-1", nil, `property "scope" of the action is missing or has no declared value`},
		{"bob", "can_view", "record-6", nil, "the resource is unknown"},
		{"bob", "can_edit", "record-3", []string{"", "", `{"status":1}`},
			"resource.properties.status: want a string of at most 4096 bytes"},
		{"bob", "can_view", "record-1", []string{"", "", "", `{"purpose":1}`},
			"context: properties.purpose: want a string of at most 4096 bytes"},
	} {
		got := types.Decide(question(t, c.who, c.action, c.record, c.properties...), nil)
		check.Equal(t, got, Answer{ReasonAdmin: c.want, ReasonUser: "access denied"}, "%s %s %s", c.who, c.action, c.record)
	}
}

// TestRecordDecisionsAgreeWithReference compares all decisions about records with plain conditions written from the
// comments of the example. Every denial has a reason.
func TestRecordDecisionsAgreeWithReference(t *testing.T) {
	types := example(t)
	records := map[string]map[string]string{
		"record-1": {"owner": "alice", "department": "sales", "status": "draft", "deleted": "no"},
		"record-2": {"owner": "bob", "department": "sales", "status": "locked", "deleted": "no"},
		"record-3": {"owner": "carol", "department": "finance", "deleted": "no"},
		"record-4": {"owner": "dave", "department": "finance", "status": "draft", "deleted": "yes"},
		"record-5": {"owner": "carol", "department": "finance", "status": "draft"}}
	groups := map[string]string{"alice": "admins editors viewers", "bob": "editors viewers", "carol": "viewers",
		"dave": ""}
	department := map[string]string{"alice": "sales", "bob": "sales", "carol": "finance"}
	compare := func(who, id, action, requested string) {
		r := records[id]
		properties, status := `{}`, requested
		if requested != "" {
			properties = fmt.Sprintf(`{"status":%q}`, requested)
		}
		if r["status"] != "" {
			status = r["status"]
		}
		in := func(group string) bool { return strings.Contains(groups[who], group) }
		want := false
		switch {
		case r["deleted"] == "yes":
			want = in("admins") && (action == "view" || action == "restore")
		case r["deleted"] == "" || action == "restore" || (action == "edit" || action == "delete") && (status == "locked" ||
			status == ""):
		case in("admins"), r["owner"] == who:
			want = true
		default:
			want = action == "view" && in("viewers") ||
				action == "edit" && in("editors") && department[who] != "" && department[who] == r["department"]
		}
		a := types.Decide(question(t, who, "can_"+action, id, "", "", properties), nil)
		check.That(t, a.Decision == want && want == (a.ReasonAdmin == ""),
			"%s %s %s %s: %+v, want %v", who, action, id, properties, a, want)
	}
	for who := range groups {
		for id := range records {
			for _, action := range []string{"view", "edit", "delete", "restore"} {
				for _, status := range []string{"", "draft", "locked"} {
					compare(who, id, action, status)
				}
			}
		}
	}
}
