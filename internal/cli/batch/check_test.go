package batch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// alice defines the token that most lines use.
const alice = `{"define":{"alice":{"user":"S-1-5-21-1-2-3-1107","groups":["DU","WD"],` +
	`"privileges":["SeSecurityPrivilege"],"type":"Impersonation"}}}` + "\n"

// runLines runs lines after the definition of alice and returns their answers.
func runLines(t *testing.T, explain bool, lines string) (answers []string, sum Summary) {
	t.Helper()
	out, sum := runText(t, Checks{Explain: explain}.Job(), strings.NewReader(alice+lines))
	answers = strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	check.Require(t, answers[0], `{"id":null,"defined":["alice"]}`, `define was answered by`)
	return answers[1:], sum
}

// Two object types: a class and a property set of it.
const x, y = "bf967aba-0de6-11d0-a285-00aa003049e2", "59ba2f42-79a2-11d0-9020-00c04fc2d3cf"

var checkLines = []struct{ name, line, want string }{
	{"granted", `{"id":1,"tokenRef":"alice","sd":"O:BAG:SYD:(A;;FR;;;WD)","desired":"FR"}`,
		`{"id":1,"status":"STATUS_SUCCESS","granted":"0x00120089","privilegesUsed":[]}`},
	{"denied", `{"id":{"a": [1 ,2]},"tokenRef":"alice","sd":"O:BAG:SYD:(A;;FR;;;BA)","desired":"FR"}`,
		`{"id":{"a": [1 ,2]},"status":"STATUS_ACCESS_DENIED","granted":"0x00000000","privilegesUsed":[]}`},
	{"no id", `{"tokenRef":"alice","sd":"O:BAG:SYD:(A;;FR;;;WD)","desired":1}`,
		`{"id":null,"status":"STATUS_SUCCESS","granted":"0x00000001","privilegesUsed":[]}`},
	{"domain alias of the user's domain",
		`{"id":2,"tokenRef":"alice","sd":"O:BAG:SYD:(A;;FR;;;DU)","desired":"0x20089"}`,
		`{"id":2,"status":"STATUS_SUCCESS","granted":"0x00020089","privilegesUsed":[]}`},
	{"inline token, names", `{"id":3,"token":{"user":"BA"},"sd":"O:BAG:SYD:(A;;FR;;;BA)",` +
		`"desired":"FILE_READ_DATA|READ_CONTROL"}`,
		`{"id":3,"status":"STATUS_SUCCESS","granted":"0x00020001","privilegesUsed":[]}`},
	{"binary descriptor", `{"id":4,"tokenRef":"alice",` +
		`"sdHex":"010004800000000000000000000000001400000002001C000100000000001400890012000101000000000001000000000` +
		`0","desired":1}`,
		`{"id":4,"status":"STATUS_SUCCESS","granted":"0x00000001","privilegesUsed":[]}`},
	{"privilege", `{"id":5,"tokenRef":"alice","sd":"O:BAG:SYD:(A;;FR;;;WD)","desired":"0x1000001"}`,
		`{"id":5,"status":"STATUS_SUCCESS","granted":"0x01000001","privilegesUsed":["SeSecurityPrivilege"]}`},
	{"two privileges", `{"id":5,"token":{"user":"BU","privileges":["SeSecurityPrivilege","SeTakeOwnershipPrivilege"]},` +
		`"sd":"O:BAG:SYD:","desired":"0x1080000"}`, `{"id":5,"status":"STATUS_SUCCESS","granted":"0x01080000",` +
		`"privilegesUsed":["SeSecurityPrivilege","SeTakeOwnershipPrivilege"]}`},
	{"privilege not held", `{"id":6,"token":{"user":"BA"},"sd":"O:BAG:SYD:(A;;FR;;;WD)","desired":16777216}`,
		`{"id":6,"status":"STATUS_PRIVILEGE_NOT_HELD","granted":"0x00000000","privilegesUsed":[]}`},
	{"mapping by name", `{"id":7,"tokenRef":"alice","sd":"O:BAG:SYD:(A;;GR;;;WD)","desired":"GR","mapping":"key"}`,
		`{"id":7,"status":"STATUS_SUCCESS","granted":"0x00020019","privilegesUsed":[]}`},
	{"mapping by masks", `{"id":8,"tokenRef":"alice","sd":"O:BAG:SYD:(A;;GRGWGXGA;;;WD)","desired":"MAXIMUM_ALLOWED",` +
		`"mapping":[1,"0x2",4,8]}`,
		`{"id":8,"status":"STATUS_SUCCESS","granted":"0x0000000f","privilegesUsed":[]}`},
	{"principal self", `{"id":9,"tokenRef":"alice","sd":"O:BAG:SYD:(A;;FR;;;PS)","desired":1,"selfSid":"DU"}`,
		`{"id":9,"status":"STATUS_SUCCESS","granted":"0x00000001","privilegesUsed":[]}`},
	{"result list", `{"id":10,"tokenRef":"alice","sd":"O:BAG:SYD:(OA;;RP;` + y +
		`;;WD)","desired":16,"mapping":"directoryService","resultList":true,"objectTypes":[{"level":0,"guid":"` + x +
		`"},{"guid":"` + y + `","level":1},{"level":1,"guid":"` + strings.Replace(x, "bf", "be", 1) + `"}]}`,
		`{"id":10,"status":"STATUS_ACCESS_DENIED","granted":"0x00000000","privilegesUsed":[],` +
			`"results":[{"status":"STATUS_ACCESS_DENIED","granted":"0x00000000"},{"status":"STATUS_SUCCESS",` +
			`"granted":"0x00000010"},{"status":"STATUS_ACCESS_DENIED","granted":"0x00000000"}]}`},
	{"largest level", `{"id":10,"tokenRef":"alice","sd":"O:BAG:SYD:","desired":1,"objectTypes":[{"level":65535,"guid":"` +
		x + `"}]}`, `{"id":10,"status":"STATUS_INVALID_PARAMETER","granted":"0x00000000","privilegesUsed":[]}`},
	{"resource attributes", `{"id":11,"token":{"user":"BA","userClaims":[{"name":"n","type":"int64",` +
		`"values":[3]}]},"sd":"O:SYG:SYD:(XA;;FR;;;BA;(@User.n==@Resource.m))","desired":1,` +
		`"resourceAttributes":[{"name":"m","type":"int64","values":[3]}]}`,
		`{"id":11,"status":"STATUS_SUCCESS","granted":"0x00000001","privilegesUsed":[]}`},
	{"resource attributes and a label", `{"id":11,"token":{"user":"BA"},"sd":"O:SYG:SYD:(A;;FA;;;BA)S:(ML;;NR;;;SI)",` +
		`"desired":1,"resourceAttributes":[{"name":"m","type":"int64","values":[3]}]}`,
		`{"id":11,"status":"STATUS_ACCESS_DENIED","granted":"0x00000000","privilegesUsed":[]}`},
	{"no descriptor at all", `{"id":12,"tokenRef":"alice","sd":null,"desired":1}`,
		`{"id":12,"status":"STATUS_ACCESS_DENIED","granted":"0x00000000","privilegesUsed":[]}`},
	{"null next to hex", `{"id":131,"tokenRef":"alice","sd":null,"sdHex":"0100048000000000000000000000000000000000",` +
		`"desired":1}`, `{"id":131,"status":"STATUS_SUCCESS","granted":"0x00000001","privilegesUsed":[]}`},
	{"null is absent", `{"id":13,"token":null,"tokenRef":"alice","sd":"O:BAG:SYD:(A;;FR;;;WD)","sdHex":null,` +
		`"desired":1,"mapping":null,"selfSid":null,"objectTypes":null,"resultList":null,"resourceAttributes":null,` +
		`"call":null}`, `{"id":13,"status":"STATUS_SUCCESS","granted":"0x00000001","privilegesUsed":[]}`},
	{"escapes", ` { "id" : "\u00e9" , "tokenRef" : "\u0061lice" , "sd" : "O:BAG:SYD:\u0028A;;FR;;;WD)" , ` +
		`"desired" : "F\u0052" } `,
		`{"id":"\u00e9","status":"STATUS_SUCCESS","granted":"0x00120089","privilegesUsed":[]}`},
	// The rules of NtAccessCheck itself, spec 50 section 3.1.
	{"AC-036", `{"id":20,"tokenRef":"alice","sd":"O:BAG:SYD:(A;;FR;;;WD)","desired":"GR","call":"NtAccessCheck"}`,
		`{"id":20,"status":"STATUS_GENERIC_NOT_MAPPED","granted":"0x00000000","privilegesUsed":[]}`},
	{"AC-055", `{"id":21,"token":{"user":"BA"},"sd":"O:BAG:SYD:(A;;FR;;;WD)","desired":1,"call":"NtAccessCheck"}`,
		`{"id":21,"status":"STATUS_NO_IMPERSONATION_TOKEN","granted":"0x00000000","privilegesUsed":[]}`},
	{"AC-054", `{"id":22,"tokenRef":"alice","sd":"O:BAD:(A;;FR;;;WD)","desired":1,"call":"NtAccessCheck"}`,
		`{"id":22,"status":"STATUS_INVALID_SECURITY_DESCR","granted":"0x00000000","privilegesUsed":[]}`},
	{"AC-056 Identification", `{"id":23,"token":{"user":"BA","type":"Impersonation",` +
		`"impersonationLevel":"Identification"},"sd":"O:BAG:SYD:(A;;FR;;;BA)","desired":1,"call":"NtAccessCheck"}`,
		`{"id":23,"status":"STATUS_SUCCESS","granted":"0x00000001","privilegesUsed":[]}`},
	{"AC-056 Anonymous", `{"id":24,"token":{"user":"BA","type":"Impersonation","impersonationLevel":"Anonymous"},` +
		`"sd":"O:BAG:SYD:(A;;FR;;;BA)","desired":1,"call":"NtAccessCheck"}`,
		`{"id":24,"status":"STATUS_BAD_IMPERSONATION_LEVEL","granted":"0x00000000","privilegesUsed":[]}`},
	{"AC-057", `{"id":25,"token":{"user":"BA","type":"Impersonation","impersonationLevel":"Identification"},` +
		`"sd":"O:BAG:SYD:(A;;FR;;;BA)","desired":1,"call":"SeAccessCheck"}`,
		`{"id":25,"status":"STATUS_BAD_IMPERSONATION_LEVEL","granted":"0x00000000","privilegesUsed":[]}`},
	{"A-18", `{"id":26,"tokenRef":"alice","sdHex":"0200048000000000000000000000000000000000","desired":1,` +
		`"call":"NtAccessCheck"}`,
		`{"id":26,"status":"STATUS_UNKNOWN_REVISION","granted":"0x00000000","privilegesUsed":[]}`},
	{"A-18 comes after A-12", `{"id":27,"tokenRef":"alice","sdHex":"02","desired":"GR","call":"NtAccessCheck"}`,
		`{"id":27,"status":"STATUS_GENERIC_NOT_MAPPED","granted":"0x00000000","privilegesUsed":[]}`},
	{"AC-104", `{"id":28,"tokenRef":"alice","sd":"O:BAG:SYD:(A;;FR;;;WD)","desired":1,"resultList":true,` +
		`"call":"NtAccessCheck"}`,
		`{"id":28,"status":"STATUS_INVALID_PARAMETER","granted":"0x00000000","privilegesUsed":[]}`},
}

// Each line gets the answer of the table, and the counts of the run match.
func TestCheckLinesHaveDocumentedAnswers(t *testing.T) {
	for _, c := range checkLines {
		answers, sum := runLines(t, false, c.line)
		check.SlicesEqual(t, answers, []string{c.want}, "%s", c.name)
		check.Equal(t, sum, Summary{Lines: 2}, "%s: counts", c.name)
	}
}

// rest completes a good line after its id.
const rest = `"tokenRef":"alice","sd":"O:BAG:SYD:(A;;FR;;;WD)","desired":1`

// longAttribute is an attribute of which an ACL has room for one only.
var longAttribute = `{"name":"m","type":"string","values":["` + strings.Repeat("x", 20_000) + `"]}`

var malformedLines = []struct{ line, id, want string }{
	{``, `null`, "the line is empty"},
	{`   `, `null`, "the line is empty"},
	{`nonsense`, `null`, "byte 0: want an object, found 'n'"},
	{`[1]`, `null`, "want an object"}, {"\ufeff{}", `null`, "want an object"},
	{`{"id":1,` + rest, `1`, "found the end"},
	{`{"id":1,` + rest + `}}`, `1`, "'}' after the end of the value"},
	{`{"id":1,` + rest + `,"bogus":3}`, `1`, `unknown field "bogus": known are call, define, desired,`},
	{`{"bogus":3,"id":"x",` + rest + `}`, `"x"`, `byte 1: unknown field "bogus"`},
	{`{"id":1,"TokenRef":"alice"}`, `1`, `unknown field "TokenRef": write it "tokenRef"`},
	{`{"id":1,"desired":1,"desired":1}`, `1`, `field "desired" occurs twice`},
	{`{"id":1,"sd":"D:","desired":1}`, `1`, `want one of the fields "token" and "tokenRef"`},
	{`{"id":1,"token":{"user":"BA"},` + rest + `}`, `1`, `want one of the fields "token" and "tokenRef"`},
	{`{"id":1,"tokenRef":"bob","sd":"D:","desired":1}`, `1`, `no line before this one defines "bob"`},
	{`{"id":1,"tokenRef":5,"sd":"D:","desired":1}`, `1`, `tokenRef: want a string, found 5`},
	{`{"id":1,"token":{"usr":"BA"},"sd":"D:","desired":1}`, `1`, `usr`},
	{`{"id":1,"tokenRef":"alice","desired":1}`, `1`, `want one of the fields "sd" and "sdHex"`},
	{`{"id":1,` + rest + `,"sdHex":"00"}`, `1`, `not both`},
	{`{"id":1,"tokenRef":"alice","sd":"","desired":1}`, `1`,
		"sd: the text is empty: give a descriptor, or null for none"},
	{`{"id":1,"tokenRef":"alice","sdHex":"","desired":1}`, `1`, "sdHex: the text is empty"},
	{`{"id":1,"tokenRef":"alice","sd":"O:BAG:SYD:(A;;FR;;;ZZ)","desired":1}`, `1`, "sd: SDDL: at byte 19"},
	{`{"id":1,"tokenRef":"alice","sd":{},"desired":1}`, `1`, "sd: want a string"},
	{`{"id":1,"tokenRef":"alice","sdHex":"0g","desired":1}`, `1`, "sdHex: wrong hexadecimal digit"},
	{`{"id":1,"tokenRef":"alice","sdHex":"02","desired":1}`, `1`, "sdHex: "},
	{`{"id":1,"tokenRef":"alice","sdHex":"g0","desired":1}`, `1`, "odd number of them at 0"},
	{`{"id":1,"tokenRef":"alice","sd":"D:"}`, `1`, `want the field "desired"`},
	{`{"id":1,"tokenRef":"alice","sd":"D:","desired":"FQ"}`, `1`, `desired: `},
	{`{"id":1,"tokenRef":"alice","sd":"D:","desired":4294967296}`, `1`, "whole number from 0 to 4294967295"},
	{`{"id":1,"tokenRef":"alice","sd":"D:","desired":99999999999999999999999}`, `1`, "whole number"},
	{`{"id":1,"tokenRef":"alice","sd":"D:","desired":18446744073709551617}`, `1`, "whole number"}, // 1 above 64 bits
	{`{"id":1,"tokenRef":"alice","sd":"D:","desired":1e3}`, `1`, "whole number"},
	{`{"id":1,"tokenRef":"alice","sd":"D:","desired":-1}`, `1`, "whole number"},
	{`{"id":1,"tokenRef":"alice","sd":"D:","desired":[1]}`, `1`, "whole number"},
	{`{"id":1,"tokenRef":"alice","sd":"D:","desired":"PROCESS_TERMINATE"}`, `1`,
		`desired: PROCESS_TERMINATE is a right on objects of another type than File: `}, // B-91
	{`{"id":1,"tokenRef":"alice","sd":"D:","desired":"DELETE|FILE_READ_DATA","mapping":"key"}`, `1`,
		`desired: FILE_READ_DATA is a right on objects of another type than Key: `},
	{`{"id":1,` + rest + `,"mapping":"files"}`, `1`, `mapping: "files" is not an object type: use one of file,`},
	{`{"id":1,` + rest + `,"mapping":[1,2,3]}`, `1`, "four masks"},
	{`{"id":1,` + rest + `,"mapping":[1,2,3,4,5]}`, `1`, "four masks"},
	{`{"id":1,` + rest + `,"mapping":7}`, `1`, "four masks"},
	{`{"id":1,` + rest + `,"mapping":[1,2,3,-4]}`, `1`, "mapping: want a whole number"},
	{`{"id":1,` + rest + `,"mapping":[1,2,3,"FQ"]}`, `1`, "mapping: "},
	{`{"id":1,` + rest + `,"selfSid":5}`, `1`, "selfSid: want a string, found 5"},
	{`{"id":1,` + rest + `,"selfSid":"S-1"}`, `1`, "selfSid: "},
	{`{"id":1,` + rest + `,"resultList":1}`, `1`, "resultList: want true or false"},
	{`{"id":1,` + rest + `,"call":"AccessCheck"}`, `1`, "call: want"},
	{`{"id":1,` + rest + `,"call":1}`, `1`, "call: want"},
	{`{"id":1,` + rest + `,"objectTypes":[{"level":0}]}`, `1`, "objectTypes[0]: want"},
	{`{"id":1,` + rest + `,"objectTypes":[{"level":0,"guid":"x"}]}`, `1`, "objectTypes[0]: "},
	{`{"id":1,` + rest + `,"objectTypes":[{"level":0,"guid":5}]}`, `1`, "guid: want a string, found 5"},
	{`{"id":1,` + rest + `,"objectTypes":[{"level":65536,"guid":"x"}]}`, `1`, "from 0 to 65535"},
	{`{"id":1,` + rest + `,"objectTypes":[{"levl":0}]}`, `1`, `unknown field "levl"`},
	{`{"id":1,` + rest + `,"objectTypes":{}}`, `1`, "objectTypes: "},
	{`{"id":1,` + rest + `,"resourceAttributes":[{"nme":"x"}]}`, `1`,
		"resourceAttributes[0].nme: unknown field, want one of name, type, values, flags (byte 2)"},
	{`{"id":1,` + rest + `,"resourceAttributes":[` + longAttribute + `,` + longAttribute + `]}`, `1`,
		"resourceAttributes: "},
	{`{"id":1,"define":{"a":{"user":"BA"}},"desired":1}`, `1`, `has no field "desired"`},
	{`{"id":1,"define":{"a":{"usr":"BA"}}}`, `1`, `define: "a": `},
	{`{"id":1,"define":{"a":{"user":"BA"},"a":{"user":"BA"}}}`, `1`, `"a" is defined twice`},
	{`{"id":1,"define":[]}`, `1`, "define: "},
	{"{\"id\":1,\"sd\":\"\x00\"}", `1`, "control character 0x00"},
	{"{\"id\":1,\"sd\":\"\xff\"}", `1`, "byte 0xff is not UTF-8"},
	{"{\"id\":\"\xff\",\"sd\":\"\"}", `null`, "not UTF-8"},
	{`{"id":1,"sd":` + strings.Repeat("[", 100_000), `1`, "nested more than 64 deep"},
	{`{"id":1,"sd":"` + strings.Repeat("x", MaxLine) + `"}`, `1`, "the line is longer than 4194304 bytes"},
}

// A malformed line gets an error in JSON, also the second time. The next line is still answered.
func TestMalformedLineDoesNotAffectOthers(t *testing.T) {
	for _, c := range malformedLines {
		answers, sum := runLines(t, false, c.line+"\n"+c.line+"\n{\"id\":2,"+rest+"}\n")
		var got struct {
			ID    json.RawMessage
			Error string
		}
		for i, line := range []string{"line 2: ", "line 3: "} {
			check.NoError(t, json.Unmarshal([]byte(answers[i]), &got))
			check.That(t, string(got.ID) == c.id && strings.Contains(got.Error, c.want) &&
				strings.HasPrefix(got.Error, line), "%.80q: %.300s\nwant id %s, error with %q", c.line, answers[i], c.id,
				c.want)
		}
		check.That(t, len(answers) == 3 && strings.Contains(answers[2], "STATUS_SUCCESS") &&
			sum == Summary{Lines: 4, Malformed: 2}, "%.80q: next answers %.200q, counts %+v, want one success and two "+
			"malformed lines", c.line, answers[2:], sum)
	}
}

func TestDefinitionAppliesToLaterLines(t *testing.T) {
	const q = `{"tokenRef":"bob","sd":"O:SYG:SYD:(A;;FR;;;BA)","desired":1}` + "\n"
	answers, sum := runLines(t, false, q+
		`{"id":7,"define":{"bob":{"user":"BA"},"c\u0061rol":{"user":"BU"}}}`+"\n"+q+
		`{"define":{"bob":{"user":"BU"}}}`+"\n"+q)
	want := []string{"no line before this one", `{"id":7,"defined":["bob","carol"]}`, "STATUS_SUCCESS",
		`{"id":null,"defined":["bob"]}`, "STATUS_ACCESS_DENIED"}
	for i, w := range want {
		check.That(t, strings.Contains(answers[i], w), "answer %d: %s, want %s", i, answers[i], w)
	}
	check.That(t, sum.Lines == 6 && sum.Malformed == 1, "counts = %+v, want 6 lines and 1 malformed", sum)
}

func TestByteOrderMarkIsSkippedOrNamed(t *testing.T) {
	q := strings.Repeat(`{"tokenRef":"alice","sd":"D:","desired":1}`+"\n", 10_000)
	out, sum := runText(t, Checks{}.Job(), strings.NewReader("\ufeff"+alice+q)) // with -race: the definition runs alone
	check.That(t, sum.Malformed == 0, "with a byte order mark: answers %.200s, want no malformed line", out)
	for line, want := range map[string]bool{"\ufeff" + alice: true, `{"id":{"a":1},"define":{}}`: true,
		`{"id":"define","sd":"D:"}`: false, `{"id":{"define":1}}`: false, `"define"`: false} {
		check.Equal(t, isDefine([]byte(line)), want, "%s defines tokens", line)
	}
	for _, mark := range []string{"\xff\xfe", "\xfe\xff"} {
		got, _ := runText(t, SIDs(), strings.NewReader(mark+"{\x00"))
		check.That(t, strings.Contains(got, "UTF-16"), `answer %s to %x, want an error with "UTF-16"`, got, mark)
	}
}

// TestBatchEqualsSingleChecks compares the pipeline with a naive version: each line decoded by encoding/json, its
// token and descriptor parsed again, and one access check.
func TestBatchEqualsSingleChecks(t *testing.T) {
	seed := randtest.Seed(t)
	for _, k := range kinds {
		in := generate(k, 2000, seed)
		out, _ := runText(t, Checks{}.Job(), bytes.NewReader(in))
		lines, answers := bytes.Split(in, []byte("\n")), strings.Split(out, "\n")
		named := map[string]json.RawMessage{}
		for i, line := range lines[:len(lines)-1] {
			check.Require(t, answers[i], twin(t, named, line), "%s, seed %d: %s", k.name, seed, line)
		}
	}
}

func twin(t *testing.T, named map[string]json.RawMessage, line []byte) string {
	var q struct {
		ID       int
		Define   map[string]json.RawMessage
		Token    json.RawMessage
		TokenRef string
		SD       string
		Desired  any
	}
	check.NoError(t, json.Unmarshal(line, &q))
	if q.Define != nil {
		var names []string
		for i := range len(q.Define) {
			name := fmt.Sprintf("t%d", i)
			named[name] = q.Define[name]
			names = append(names, strconv.Quote(name))
		}
		return `{"id":null,"defined":[` + strings.Join(names, ",") + `]}`
	}
	if q.Token == nil {
		q.Token = named[q.TokenRef]
	}
	tok, err := token.Parse(q.Token)
	check.NoError(t, err)
	desired := winnt.AccessMask(0)
	if s, ok := q.Desired.(string); ok {
		desired, err = sddl.ParseRights(s)
	} else {
		desired = winnt.AccessMask(q.Desired.(float64))
	}
	check.NoError(t, err)
	d := check.Must(access.Check(tok, sddl.MustParse(q.SD, sddl.Options{Domain: tok.User().SID.Prefix()}), desired,
		winnt.FileObject))
	return fmt.Sprintf(`{"id":%d,"status":"%s","granted":"%s","privilegesUsed":[]}`, q.ID, d.Status(),
		d.Granted.Padded())
}

// FuzzCheckLine checks that any line gets exactly one line of JSON, with its id if that can be parsed.
func FuzzCheckLine(f *testing.F) {
	for _, k := range kinds {
		for _, line := range bytes.Split(generate(k, 3, 1), []byte("\n")) {
			f.Add(line)
		}
	}
	for _, s := range []string{`{}`, `[]`, `{"a":1,}`, `"\ud800"`, `{"a":1}x`, `"`} {
		f.Add([]byte(`{"id":` + s + `,"sd":` + s + `}`))
	}
	f.Add([]byte(`{"id":1,"token":{"user":"BA"},"sdHex":"0100048000","desired":1,"call":"NtAccessCheck",` +
		`"resultList":true}`))
	f.Add([]byte(`{"id":1,"token":{"user":"BA"},"sd":"D:(XA;;1;;;WD;(@Resource.a==1))","desired":1,` +
		`"resourceAttributes":[{"name":"a","type":"int64","values":[1]}]}`))
	answer := Checks{Explain: true}.Job().Worker()
	f.Fuzz(func(t *testing.T, line []byte) {
		if bytes.ContainsRune(line, '\n') {
			return
		}
		out, ok := answer(nil, line, 1)
		var got map[string]json.RawMessage
		check.NoError(t, json.Unmarshal(out, &got))
		check.RequireThat(t, !bytes.ContainsRune(out, '\n') && got["id"] != nil && ok == (got["error"] == nil),
			"line %q: answer %q, want one line with an id, and an error only if refused", line, out)
		var in struct{ ID json.RawMessage }
		check.RequireThat(t, !ok || json.Unmarshal(line, &in) != nil || in.ID == nil || bytes.Equal(in.ID, got["id"]),
			"line %q: answer %q has another id, want that of the line", line, out)
	})
}

// TestCheckLineAllocationsAreBounded bounds the allocations of a line with known token and descriptor, and of one
// with a new token.
func TestCheckLineAllocationsAreBounded(t *testing.T) {
	for _, k := range []kind{kinds[0], kinds[2]} {
		in := generate(k, 1, 1)
		answer := Checks{}.Job().Worker()
		buf := make([]byte, 0, 1<<16)
		var last []byte
		for rest := in; len(rest) > 0; {
			last, rest = cutLine(rest)
			buf, _ = answer(buf[:0], last, 2)
		}
		got := testing.AllocsPerRun(100, func() { buf, _ = answer(buf[:0], last, 2) })
		check.Equal(t, got, 0, "%s: allocations a line", k.name)
	}
}

func BenchmarkChecks(b *testing.B) {
	const lines = 20_000
	for _, k := range kinds {
		in := generate(k, lines, 1)
		b.Run(k.name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for range b.N {
				if sum, err := (Checks{}).Job().Run(bytes.NewReader(in), io.Discard); err != nil || sum.Malformed != 0 {
					b.Fatal(err, sum)
				}
			}
			b.ReportMetric(float64(b.N)*lines/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

// A descriptor with parts but without D: grants everything. The answer reports that, and the line is counted.
func TestMissingDACLIsReported(t *testing.T) {
	var in bytes.Buffer
	for _, sd := range []string{`"O:BAG:SY"`, `"O:BAG:SYD:NO_ACCESS_CONTROL"`, `"O:BAG:SYD:(A;;GA;;;BA)"`, `null`,
		`""`} {
		fmt.Fprintf(&in, "{\"token\":{\"user\":\"BA\"},\"sd\":%s,\"desired\":1}\n", sd)
	}
	job := Checks{}.Job()
	out, sum := runText(t, job, &in)
	_, again := runText(t, job, strings.NewReader(""))
	notes := ""
	for line := range strings.Lines(out) {
		notes += fmt.Sprintf("%v %v;", strings.Contains(line, "SUCCESS"),
			strings.Contains(line, `"note":"`+accessquery.NoDACL+`"`))
	}
	check.Equal(t, notes, "true true;true false;true false;false false;false false;", "granted and noted")
	check.Equal(t, [2]Summary{sum, again}, [2]Summary{{Lines: 5, Malformed: 1, NoDACL: 1}}, "counts of two runs")
}
