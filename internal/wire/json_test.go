package wire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
)

// JSON that is ambiguous or invalid is refused (W-36). The error has the offset of the first wrong byte (W-39), which a
// circumflex precedes here.
func TestAmbiguousJSONIsRefused(t *testing.T) {
	const open, create, query = "NtOpenProcessToken", "NtCreateEvent", "NtSetInformationToken"
	for _, c := range []struct{ row, in, want string }{
		{open, `{"ProcessHandle":"-1","ProcessHandle":"4"}`, "given twice"},
		{open, `{"processHandle":"-1"}`, "write it ProcessHandle"},
		{open, `{"Process":"-1"}`, "unknown field"},
		{open, `{"ProcessHandle":^-1}`, "want a string"},
		{open, `{"ProcessHandle":"+1"}`, "no i64"},
		{open, `{"DesiredAccess":7,"ProcessHandle":^"01"}`, "no i64"},
		{open, `{"ProcessHandle":"0x1"}`, "no i64"},
		{open, `{"ProcessHandle":"9223372036854775808"}`, "no i64"},
		{open, `{"DesiredAccess":4294967296}`, "no u32"},
		{open, `{"DesiredAccess":^-1}`, "no u32"},
		{open, `{"DesiredAccess":1.0}`, "whole number"},
		{open, `{"DesiredAccess":1e3}`, "whole number"},
		{open, `{"DesiredAccess":"1"}`, "want a number"},
		{open, `{"DesiredAccess":null}`, "want a number"},
		{open, `null`, "want an object"},
		{open, `^[]`, "want an object"},
		{create, `{"ObjectAttributes":{"V":{"ObjectName":"\ud800"}}}`, "wrong escape"},
		{create, `{"ObjectAttributes":{"V":{"ObjectName":^{"bytes":"YQ=="}}}}`, "not UTF-8"},
		{create, `{"ObjectAttributes":{"V":{"ObjectName":{"bytes":^"/x=="}}}}`, "not base64"}, // bits that say nothing
		{create, `{"ObjectAttributes":{"V":{"ObjectName":{"bytes":"/w\n=="}}}}`, "not base64"},
		{create, `{"ObjectAttributes":{"V":{"ObjectName":{}}}}`, "not UTF-8"},
		{create, `{"ObjectAttributes":{"V":{"SecurityDescriptor":^""}}}`, "write null"},
		{create, `{"ObjectAttributes":{"V":{"SecurityDescriptor":^"AAAA"}}}`, "not a valid"},
		{create, `{"ObjectAttributes":{"V":{"SecurityDescriptor":^{"sddl":"X:"}}}}`, "sddl"},
		{create, `{"ObjectAttributes":{"V":{"SecurityDescriptor":^{}}}}`, "want sddl"},
		{create, `{"ObjectAttributes":{"V":{"SecurityDescriptor":{"sddl":^1}}}}`, "want a string"},
		{create, `{"ObjectAttributes":{"V":{"SecurityDescriptor":^1}}}`, "want a string"},
		{query, `{"TokenInformation":{"V":{"SID":^1}}}`, "want a string"},
		{query, `{"TokenInformation":{"V":{}}}`, "type of the value"},
		{query, `{"TokenInformation":{"V":{"uint32":1,"bool":true}}}`, "one type"},
		{query, `{"TokenInformation":{"V":{"Sid":"S-1-1-0"}}}`, "write it SID"},
		{query, `{"TokenInformation":{"V":{"SID":^"S-1-1-00"}}}`, "SID"},
		{query, `{"TokenInformation":{"V":{"[30]uint8":^"AAAA"}}}`, "3 bytes, want 30"},
		{query, `{"TokenInformation":{"V":{"uint64":^"-1"}}}`, "no u64"},
		{query, strings.Repeat(`{"TokenInformation":`, 100), "want"},
	} {
		row := wire.Rows()[nt.NtTable.Find(c.row).Info().Number]
		at, offset := strings.IndexByte(c.in, '^'), ""
		if at >= 0 {
			offset = fmt.Sprintf("byte %d:", at)
		}
		_, err := row.DecodeInJSON([]byte(strings.Replace(c.in, "^", "", 1)))
		check.That(t, errors.Is(err, wire.ErrValue) && strings.Contains(err.Error(), c.want) &&
			strings.Contains(err.Error(), offset), "%s %s: %v, want an error with %q and %q", c.row, c.in, err, c.want, offset)
	}
}

// Elements that take hardly a byte of JSON are limited by their size in the binary form (W-36, W-2).
func TestJSONElementsAreBounded(t *testing.T) {
	row := wire.Rows()[nt.NtTable.Find("NtAdjustGroupsToken").Info().Number]
	groups := func(n int) []byte {
		return []byte(`{"NewState":{"V":[{}` + strings.Repeat(`,{}`, n-1) + `]}}`)
	}
	const most = wire.MaxBody / 8 // a group has at least a length and its attributes
	check.NoError(t, check.Err(row.DecodeInJSON(groups(most))))
	if _, err := row.DecodeInJSON(groups(most + 1)); err == nil || !strings.Contains(err.Error(), "more elements") {
		t.Errorf(`one group more than the limit: %v, want an error with "more elements"`, err)
	}
}

// TestDescriptorMayBeSDDLInJSON checks that a descriptor may be given as text.
func TestDescriptorMayBeSDDLInJSON(t *testing.T) {
	row := wire.Rows()[nt.NtTable.Find("NtCreateEvent").Info().Number]
	in := check.Must(row.DecodeInJSON(
		[]byte(`{"ObjectAttributes":{"V":{"SecurityDescriptor":{"sddl":"D:(A;;GA;;;WD)"}}}}`)))
	d := in.(nt.CreateEventIn).ObjectAttributes.V.SecurityDescriptor
	check.That(t, d != nil && d.DACL().Len() == 1, "descriptor from SDDL = %v, want one with one entry", d)
}

// asJSON sends a hello in JSON and returns the server's hello.
func (s *served) asJSON() map[string]any {
	s.Helper()
	s.send(&wire.Frame{Kind: wire.Hello, Body: []byte(`{"Magic":"refmon","Version":1}`)})
	f := s.receive()
	h := map[string]any{}
	if err := json.Unmarshal(f.Body, &h); err != nil || f.Kind != wire.Hello {
		s.Fatalf("%s, %v", f.Body, err)
	}
	return h
}

// bodyOf sends a frame and returns the body of its answer.
func (s *served) bodyOf(f *wire.Frame) string {
	s.Helper()
	s.send(f)
	return string(s.receive().Body)
}

// jsonCall is a call of a row by its name.
func jsonCall(kind wire.Kind, name, body string) *wire.Frame {
	return &wire.Frame{Kind: kind, Request: 7, Thread: 1, Service: uint16(nt.NtTable.Find(name).Info().Number),
		Body: []byte(body)}
}

// TestServerAcceptsEachFrameKindAsJSON sends each kind of frame in JSON (W-37).
func TestServerAcceptsEachFrameKindAsJSON(t *testing.T) {
	s := serve(t)
	if h := s.asJSON(); h["Magic"] != "refmon" || h["Thread"] != "client/1" || len(h["Rows"].([]any)) != nt.NtTable.Len() {
		t.Errorf("hello = %v, want magic refmon, thread client/1 and every row", h)
	}
	const save, restore = `{"Status":0,"Why":null,"Out":{"Ticket":"1"}}`, `{"Status":0,"Why":null}`
	for _, c := range []struct {
		frame *wire.Frame
		want  string
	}{
		{&wire.Frame{Kind: wire.NewThread}, `{"Status":0,"Why":null,"Out":{"Thread":2,"Name":"client/2"}}`},
		{&wire.Frame{Kind: wire.EndThread, Thread: 2}, `{"Status":0,"Why":null}`},
		{&wire.Frame{Kind: wire.EndThread, Thread: 2}, `{"Status":3221225483,"Why":null}`}, // STATUS_INVALID_CID
		{jsonCall(wire.Call, "NtClose", `{"In":{"Handle":"4"},"Why":true}`),
			`{"Status":3221225480,"Why":{"Rule":"O-40","Because":"`},
		{&wire.Frame{Kind: wire.Call, Thread: 1, Service: 60000, Body: []byte(`{"In":{"a":1}}`)}, `{"Status":3221225659`},
		{jsonCall(wire.Wait, "NtReadFile", `{"Handle":"8","NotYet":3221225689,"In":{"FileHandle":"8"}}`),
			`{"Status":3221225480,`},
		{&wire.Frame{Kind: wire.Save, Thread: 1}, save},
		{&wire.Frame{Kind: wire.Restore, Thread: 1, Body: []byte(`{"Ticket":"1"}`)}, restore},
		{&wire.Frame{Kind: wire.Cancel, Body: []byte(`{"Request":"18446744073709551615"}`)}, restore},
	} {
		got := s.bodyOf(c.frame)
		check.That(t, strings.HasPrefix(got, c.want), "frame %+v: reply %s, want %s", c.frame, got, c.want)
	}
}

// A malformed call in JSON is not executed and ends the connection, as in the binary form (W-6). Before that, the
// client gets the reason (W-39).
func TestMalformedJSONCallEndsConnection(t *testing.T) {
	for _, c := range []struct {
		kind wire.Kind
		body string
		want string
	}{
		{wire.Call, `{"In":{"Handle":4}}`, "byte 16: In.Handle: want a string"},
		{wire.Call, `{"In":{"Handle":"4"}}{}`, "byte 21: something follows"},
		{wire.Call, `{"In":{"Handle":"4"},"Handle":"4"}`, "byte 21: Handle: unknown field"}, // only a wait has it
		{wire.Call, `{"Why":1}`, "byte 7: Why: want true or false"},
		{wire.Wait, `{"Handle":4}`, "byte 10: Handle: want a string"},
		{wire.Wait, `{"NotYet":"0"}`, "byte 10: NotYet: want a number"},
	} {
		n := &noting{wants: func(ntstatus.Status) bool { return true }}
		s := serveAs(t, func(p process) wire.Process { n.process = p; return n })
		s.asJSON()
		want := `{"Status":3221225485,"Why":{"Rule":"W-6","Because":"malformed value: ` + c.want
		if got := s.bodyOf(jsonCall(c.kind, "NtClose", c.body)); !strings.HasPrefix(got, want) {
			t.Errorf("%s: reply %s, want %s", c.body, got, want)
		}
		err := s.awaitEnd()
		check.That(t, errors.Is(err, wire.ErrValue) && len(n.calls) == 0, "%s: %v after %d calls, want %v, 0", c.body,
			err, len(n.calls), wire.ErrValue)
	}
}

// documented finds a call and its row, or an answer, in the conversation of docs/wire.md.
var documented = regexp.MustCompile(`(?m)^    (→ call|← answer) +(\{.*\})(?: .*(Nt\w+).*)?$`)

// TestWireDocConversationMatchesReplies runs the conversation of docs/wire.md and compares its replies.
func TestWireDocConversationMatchesReplies(t *testing.T) {
	page := check.Must(os.ReadFile("../../docs/wire.md"))
	s := serve(t)
	s.asJSON()
	lines, answer := documented.FindAllStringSubmatch(string(page), -1), ""
	check.RequireThat(t, len(lines) >= 6, "docs/wire.md has %d lines of calls and replies, want at least 6", len(lines))
	for _, l := range lines {
		if l[1] == "→ call" {
			answer = s.bodyOf(jsonCall(wire.Call, l[3], l[2]))
		} else if answer != l[2] {
			t.Errorf("reply %s, want %s as documented", answer, l[2])
		}
	}
}

// A JSON answer is decoded with its status, its reason and its output. Unknown or repeated fields and trailing data
// are refused (W-36).
func TestJSONReplyIsDecoded(t *testing.T) {
	head, rest, err := wire.DecodeAnswerJSON([]byte(
		`{"Out":{"a":[1]},"Status":3221225480,"Why":{"Rule":"O-40","Because":"no handle"}}`))
	check.That(t, err == nil && head.Status == ntstatus.InvalidHandle && string(rest) == `{"a":[1]}` &&
		head.Why != nil && head.Why.Rule == "O-40" && head.Why.Because == "no handle",
		"decoded reply = %+v, %s, %v, want STATUS_INVALID_HANDLE with rule O-40 and the output", head, rest, err)
	head, rest, err = wire.DecodeAnswerJSON([]byte(`{"Status":0,"Why":null}`))
	check.That(t, err == nil && head.Status == ntstatus.Success && head.Why == nil && rest == nil,
		"decoded reply = %+v, %s, %v, want %v without reason and output", head, rest, err, ntstatus.Success)
	for _, text := range []string{`{"Status":0,"Why":null,"More":1}`, `{"Status":0,"Status":0}`, `{"Status":0}{}`,
		`{"Status":"0"}`, `{"Status":4294967296}`, `{"Why":1}`, `[]`, ``} {
		if head, rest, err := wire.DecodeAnswerJSON([]byte(text)); !errors.Is(err, wire.ErrValue) {
			t.Errorf("decoding the reply %s = %+v, %s, %v, want %v", text, head, rest, err, wire.ErrValue)
		}
	}
}

// TestJSONHelloRejectsOtherVersion checks that another version, or a malformed hello, is rejected in JSON, too (W-1),
// and that the client gets the reason (W-39).
func TestJSONHelloRejectsOtherVersion(t *testing.T) {
	for body, why := range map[string]string{`{`: "byte 1: ",
		`{"Magic":"x"}`:                  "the other side does not speak this protocol",
		`{"Magic":"refmon","Version":2}`: "version 2, want 1: use client and daemon of one release"} {
		s := serve(t)
		s.send(&wire.Frame{Kind: wire.Hello, Body: []byte(body)})
		if f := s.receive(); !strings.HasPrefix(string(f.Body), `{"Magic":"refmon","Version":1,`) {
			t.Errorf("reply to %s = %s, want a hello of version 1", body, f.Body)
		}
		want := `{"Status":3221225485,"Why":{"Rule":"W-6","Because":"hello: malformed value: ` + why
		if f := s.receive(); !strings.HasPrefix(string(f.Body), want) {
			t.Errorf("W-39: then %s, want %s", f.Body, want)
		}
		check.ErrorIs(t, s.awaitEnd(), wire.ErrValue, "ended")
	}
}

// FuzzServeJSON sends any bytes after a hello in JSON: the server ends without a panic, and nothing of the process
// remains.
func FuzzServeJSON(f *testing.F) {
	f.Add(wire.AppendFrame(nil, jsonCall(wire.Call, "NtClose", `{"In":{"Handle":"4"}}`)))
	f.Add(wire.AppendFrame(nil, jsonCall(wire.Wait, "NtReadFile", `{"Handle":"8","NotYet":0}`)))
	f.Add(wire.AppendFrame(nil, jsonCall(wire.CallWith, "NtOpenFile", `{"In":{"DesiredAccess":1}}`)))
	f.Add(wire.AppendFrame(nil, jsonCall(wire.HandOut, "NtClose", `{"Handle":"4"}`)))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := serve(t)
		s.asJSON()
		s.discardOutput()
		_, _ = s.conn.Write(b)
		_ = s.conn.Close()
		_ = s.awaitEnd()
	})
}
