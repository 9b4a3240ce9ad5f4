package gateway

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	api "github.com/refmon/refmon/server/gateway/refmonv1"

	"github.com/refmon/refmon/internal/test/check"
)

// sampleField is one field of a test's request with its value: a string, a sampleMessage, or a list of those for a
// repeated field.
type sampleField struct {
	f     protoreflect.FieldDescriptor
	value any
}

type sampleMessage []sampleField

// sampleText has a value for each text field that requests can have. bob has no WRITE_DAC on the file.
var sampleText = map[protoreflect.FullName]string{
	"refmon.v1.Object.path": "/share/f", "refmon.v1.Object.sddl": "O:SYG:SYD:(A;;FR;;;WD)",
	"refmon.v1.CheckRequest.rights": "WRITE_DAC", "refmon.v1.CheckRequest.account": "bob",
	"refmon.v1.WhoCanRequest.accounts": "bob", "refmon.v1.WhatCanRequest.account": "bob",
	"refmon.v1.LookUpRequest.names": "alice", "refmon.v1.LookUpRequest.sids": "S-1-5-32-544",
}

// mayBeLeftOut has the optional fields according to refmon.proto.
var mayBeLeftOut = map[protoreflect.FullName]bool{
	"refmon.v1.CheckRequest.account": true, "refmon.v1.WhatCanRequest.account": true,
	"refmon.v1.WhoCanRequest.accounts": true, "refmon.v1.LookUpRequest.names": true, "refmon.v1.LookUpRequest.sids": true,
}

// sampleOf returns a request with every field of a message, and the first field of a oneof.
func sampleOf(t *testing.T, m protoreflect.MessageDescriptor) sampleMessage {
	t.Helper()
	list := sampleMessage{}
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		if o := f.ContainingOneof(); o != nil && o.Fields().Get(0) != f {
			continue
		}
		var v any = sampleText[f.FullName()]
		switch {
		case f.Kind() == protoreflect.MessageKind:
			v = sampleOf(t, f.Message())
		case v == "":
			t.Fatalf("%s is a new field: give it a value in sampleText, and say in mayBeLeftOut if it may be left out",
				f.FullName())
		}
		if f.IsList() {
			v = []any{v}
		}
		list = append(list, sampleField{f, v})
	}
	return list
}

// change is a mistake in one field of a request.
type change string

// mistakes lists the changes that a test makes in each field.
var mistakes = []change{"drop", "rename", "title", "upper", "empty", "null", "null in list", "empty in list", "double",
	"beside", "escaped", "wrong"}

// inJSONAlone are changes that binary requests cannot have.
var inJSONAlone = []change{"title", "upper", "null", "null in list", "empty in list", "escaped"}

// paths returns a request's fields, including those of inner messages.
func (m sampleMessage) paths(prefix string) (list []string, fields []protoreflect.FieldDescriptor) {
	for _, x := range m {
		path := prefix + string(x.f.Name())
		list, fields = append(list, path), append(fields, x.f)
		inner := x.value
		if all, ok := inner.([]any); ok {
			inner = all[0]
		}
		if in, ok := inner.(sampleMessage); ok {
			l, f := in.paths(path + ".")
			list, fields = append(list, l...), append(fields, f...)
		}
	}
	return list, fields
}

// json encodes a request as JSON, with a mistake in the field at a path.
func (m sampleMessage) json(prefix, path string, c change) string {
	var members []string
	for _, x := range m {
		name, at := string(x.f.Name()), prefix+string(x.f.Name())
		value := func(v any) string {
			if in, ok := v.(sampleMessage); ok {
				return in.json(at+".", path, c)
			}
			b, _ := json.Marshal(v)
			return string(b)
		}
		text, empty := "", `""`
		if all, ok := x.value.([]any); ok {
			text, empty = "["+value(all[0])+"]", "[]"
		} else if text = value(x.value); text[0] == '{' {
			empty = "{}"
		}
		member := func(name, text string) { members = append(members, fmt.Sprintf("%q:%s", name, text)) }
		if at != path {
			member(name, text)
			continue
		}
		switch c {
		case "drop":
		case "rename":
			member(name[:len(name)-1], text)
		case "title":
			member(strings.ToUpper(name[:1])+name[1:], text)
		case "upper":
			member(strings.ToUpper(name), text)
		case "empty":
			member(name, empty)
		case "null":
			member(name, "null")
		case "null in list":
			member(name, "[null]")
		case "empty in list":
			member(name, `[""]`)
		case "double":
			member(name, text)
			member(name, text)
		case "beside":
			member(name, text)
			member(name+"s", text)
		case "escaped":
			members = append(members, fmt.Sprintf(`"\u%04x%s":%s`, name[0], name[1:], text))
		case "wrong":
			member(name, "7")
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

// wire encodes a request as protobuf, with a mistake in the field at a path.
func (m sampleMessage) wire(prefix, path string, c change) (out []byte) {
	for _, x := range m {
		at := prefix + string(x.f.Name())
		v := x.value
		if all, ok := v.([]any); ok {
			v = all[0]
		}
		text, ok := v.(string)
		content := []byte(text)
		if !ok {
			content = v.(sampleMessage).wire(at+".", path, c)
		}
		number := x.f.Number()
		member := func(n protowire.Number, b []byte) {
			out = protowire.AppendBytes(protowire.AppendTag(out, n, protowire.BytesType), b)
		}
		if at != path {
			member(number, content)
			continue
		}
		switch c {
		case "drop":
		case "rename":
			member(number+1000, content)
		case "empty":
			member(number, nil)
		case "double":
			member(number, content)
			member(number, content)
		case "beside":
			member(number, content)
			member(number+1000, content)
		case "wrong":
			out = protowire.AppendVarint(protowire.AppendTag(out, number, protowire.VarintType), 7)
		}
	}
	return out
}

// rawAsker sends raw requests to the API.
type rawAsker struct {
	w  *world
	on protoreflect.MethodDescriptor
}

// send sends a request with a content type. It reports whether the call failed, and returns the whole response.
func (a rawAsker) send(kind string, body []byte) (failed bool, said string) {
	a.w.Helper()
	if kind != "application/json" && kind != "application/json; charset=utf-8" && kind != "application/proto" {
		body = append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(body))), body...)
	}
	path := "/" + string(a.on.Parent().FullName()) + "/" + string(a.on.Name())
	r, err := http.NewRequestWithContext(a.w.Context(), http.MethodPost, a.w.console.URL+path, bytes.NewReader(body))
	a.w.must(err)
	r.SetBasicAuth("bob", "pw-x")
	r.Header.Set("Content-Type", kind)
	answer, err := a.w.console.Client().Do(r)
	a.w.must(err)
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	a.w.must(err)
	said = fmt.Sprintf("%d %q %v %v", answer.StatusCode, b, answer.Header, answer.Trailer)
	switch {
	case strings.HasPrefix(kind, "application/grpc-web"):
		failed = !bytes.Contains(b, []byte("grpc-status: 0")) && answer.Header.Get("Grpc-Status") != "0"
	case strings.HasPrefix(kind, "application/grpc"):
		failed = answer.Trailer.Get("Grpc-Status") != "0" && answer.Header.Get("Grpc-Status") != "0"
	case strings.HasPrefix(kind, "application/connect"):
		failed = bytes.Contains(b, []byte(`"code"`)) // the status at the end of the stream
	default:
		failed = answer.StatusCode != http.StatusOK
	}
	return failed, said
}

// kinds returns the content types of a method, JSON first.
func (a rawAsker) kinds() (inJSON, inWire []string) {
	if a.on.IsStreamingServer() {
		return []string{"application/connect+json", "application/grpc+json", "application/grpc-web+json"},
			[]string{"application/connect+proto", "application/grpc", "application/grpc+proto", "application/grpc-web+proto"}
	}
	return []string{"application/json", "application/json; charset=utf-8", "application/grpc+json"},
		[]string{"application/proto", "application/grpc", "application/grpc-web"}
}

// TestMalformedAPIFieldsAreRejected changes each field of each API request in every encoding: dropped, renamed, in
// another case, empty, null, doubled, of another type, or joined by an unknown field. Unknown,
// repeated, empty and missing required fields are errors (G-35, G-36). The client has none of the
// requested rights, so no response may grant one.
func TestMalformedAPIFieldsAreRejected(t *testing.T) {
	var calls atomic.Int64
	begun := time.Now()
	w := newWorld(t, shared, func(c *Config) {
		c.Now = func() time.Time { return begun.Add(time.Duration(calls.Add(1)) * 50 * time.Millisecond) }
		c.SessionLife = 24 * time.Hour
	})
	w.file("f", "f", shared)
	methods, wrong := 0, 0
	services := api.File_refmon_proto.Services()
	for i := range services.Len() {
		for j := range services.Get(i).Methods().Len() {
			methods++
			a := rawAsker{w, services.Get(i).Methods().Get(j)}
			n := a.makeMistakes(t)
			wrong += n
			if fields := a.on.Input().Fields().Len(); (n > 0) != (fields > 0) {
				t.Errorf("%s: %d mistakes in %d fields", a.on.FullName(), n, fields)
			}
		}
	}
	check.Equal(t, methods, 8, "called methods")
	t.Logf("%d methods, %d requests with a mistake", methods, wrong)
}

// makeMistakes sends each request with one mistake to a method, and returns their number.
func (a rawAsker) makeMistakes(t *testing.T) (n int) {
	t.Helper()
	name, m := a.on.Name(), sampleOf(t, a.on.Input())
	paths, fields := m.paths("")
	inJSON, inWire := a.kinds()
	for i, kind := range slices.Concat(inJSON, inWire) {
		isJSON := i < len(inJSON)
		write := func(path string, c change) []byte {
			if isJSON {
				return []byte(m.json("", path, c))
			}
			return m.wire("", path, c)
		}
		if failed, said := a.send(kind, write("", "")); failed || strings.Contains(said, "STATUS_SUCCESS") {
			t.Errorf("%s by %s without a mistake: %s", name, kind, said)
		}
		unknown := []byte(`{"nonsense":1}`)
		if !isJSON {
			unknown = protowire.AppendVarint(protowire.AppendTag(nil, 999, protowire.VarintType), 1)
		}
		if failed, said := a.send(kind, unknown); !failed {
			t.Errorf("G-35: %s by %s with an unknown field alone: %s", name, kind, said)
		}
		for j, path := range paths {
			for _, c := range mistakes {
				list := fields[j].IsList()
				switch {
				case c == "drop" && mayBeLeftOut[fields[j].FullName()], !list && strings.HasSuffix(string(c), "in list"),
					// A second value of a list is valid.
					!isJSON && (list && c == "double" || slices.Contains(inJSONAlone, c)):
					continue
				}
				n++
				body := write(path, c)
				if failed, said := a.send(kind, body); !failed {
					t.Errorf("G-35, G-36: %s by %s, %s of %s, %q: %s", name, kind, c, path, body, said)
				}
			}
		}
	}
	return n
}

// TestStrictErrorIsOneLine checks that the error of a malformed request has only its first error, with the byte
// offset, and nothing of the bytes after it. Trailing bytes after a request are an error of their own (G-35).
func TestStrictErrorIsOneLine(t *testing.T) {
	for text, want := range map[string]string{
		`{"object":{"path":"/f"},"Rights":["READ"]}`: "byte 24: Rights: unknown field, write it rights",
		`{"rights":["READ"],"rights":["WRITE"]}`:     "byte 19: rights: ",
		`{"rights":"READ","account":"bob"}`:          "byte 10: rights: want an array",
		`{"rights":null,"account":"bob"}`:            "byte 14: rights: " + fieldNull,
		`{"rights":[""],"account":"bob"}`:            "byte 13: rights[0]: " + fieldEmpty,
		`{"object":{},"rights":["READ"]}`:            "byte 10: object: " + fieldEmpty,
		`{"rights":["READ"]`:                         "byte 18: ",
		`["rights"]`:                                 "byte 0: want an object",
		`{"rights":["READ"]} {"rights":["WRITE"]}`:   "byte 20: something follows the object",
	} {
		err := strictCodec{}.Unmarshal([]byte(text), &api.CheckRequest{})
		if err == nil {
			t.Errorf("%s is accepted", text)
		} else if got := err.Error(); strings.Contains(got, "\n") || !strings.HasPrefix(got, want) {
			t.Errorf("%s:\n%s\nwant %s", text, got, want)
		}
	}
}

// TestRequestWithoutRightsIsAnError checks that a missing right is an error that names the field and says what to
// write, in the API and in the console's form. MAXIMUM_ALLOWED requests the maximum, and the console does not call
// rights allowed if the user is denied (G-36).
func TestRequestWithoutRightsIsAnError(t *testing.T) {
	w := newWorld(t, shared)
	w.file("f", "f", shared)
	post := func(call, body string) httpResult {
		return w.atConsole(w.request("bob", http.MethodPost, "/refmon.v1.Access/"+call, body, "Content-Type",
			"application/json"))
	}
	const object = `{"object":{"path":"/share/f"}`
	for _, c := range []struct{ call, body, want string }{
		{"Check", object + `,"right":["WRITE_DAC"]}`, `right: unknown field, want one of account, object, rights`},
		{"Check", object + `,"rights":[]}`, `rights: it is empty`},
		{"Check", object + `}`, `rights is missing: name the rights to check, such as FILE_READ_DATA; ` +
			`MAXIMUM_ALLOWED requests all available rights`},
		{"Check", `{}`, `object is missing: give {"path": "/TREE/FILE"} or {"sddl": "O:…"}`},
		{"Explain", `{}`, `check is missing`}, {"Explain", `{"check":` + object + `}}`, `check.rights is missing`},
		{"WhoCan", `{}`, `object is missing`}, {"WhoCan", object + `,"accounts":[]}`, `accounts: it is empty`},
		{"LookUp", `{}`, `names and sids are missing`},
		{"Check", object + `,"rights":["WRITE_DAC"],"account":""}`, `account: it is empty`},
		{"Check", `{"object":{"path":"/share/f","sddl":"O:SYD:"},"rights":["WRITE_DAC"]}`, "oneof"},
		{"Check", ``, "zero-length"}, {"Check", `null`, "want an object"}, {"Check", `[]`, "want an object"},
	} {
		var e struct{ Code, Message string }
		got := post(c.call, c.body)
		if json.Unmarshal([]byte(got.body), &e) != nil || got.code != http.StatusBadRequest ||
			e.Code != "invalid_argument" || !strings.Contains(e.Message, c.want) {
			t.Errorf("G-36: %s %s: %d %s, want %q", c.call, c.body, got.code, got.body, c.want)
		}
	}
	if got := post("Check", object+`,"rights":["MAXIMUM_ALLOWED"]}`); !strings.Contains(got.body, `"allowed":true`) {
		t.Errorf(`the maximum by its name: %s, want text containing ""allowed":true"`, got.body)
	}
	for query, says := range map[string]bool{"path=/share/f": false, "path=/share/f&right=": false,
		"path=/share/f&Right=WRITE_DAC": false, "path=/share/f&right=WRITE_DAC": true} {
		r := w.request("bob", http.MethodGet, "/why", "")
		r.URL.RawQuery = query
		got := w.atConsole(r)
		if got.code != 200 || strings.Contains(got.body, "STATUS_SUCCESS") ||
			strings.Contains(got.body, "STATUS_ACCESS_DENIED") != says {
			t.Errorf("G-36: console page for %q: %d %s", query, got.code, got.body)
		}
	}
}

// TestAPICodecRejectsNonMessages checks that a codec rejects Go values and bytes that are not a message of the API, and
// two fields of a oneof (G-35).
func TestAPICodecRejectsNonMessages(t *testing.T) {
	for _, name := range []string{"proto", "json"} {
		c := strictCodec{name}
		if b, err := c.Marshal("text"); b != nil || err == nil {
			t.Errorf("%s: got %q, %v of a text, want an error", name, b, err)
		}
		check.That(t, c.Unmarshal([]byte("{}"), new(string)) != nil, "%s: got no error for a text, want one", name)
		both := []byte(`{"path":"/share/f","sddl":"O:SYD:"}`)
		if name == "proto" {
			both = []byte("\x0a\x08/share/f\x12\x06O:SYD:") // field 1 of 8 bytes, field 2 of 6
		}
		check.That(t, c.Unmarshal(both, &api.Object{}) != nil, "G-35: %s: no error for an object with path and sddl", name)
		// An empty body is a message in the binary encoding only.
		if err := c.Unmarshal(nil, &api.CheckRequest{}); (err == nil) != (name == "proto") {
			t.Errorf("%s: got %v for an empty body", name, err)
		}
	}
}
