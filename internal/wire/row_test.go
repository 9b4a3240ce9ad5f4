package wire_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/wire"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

var writeBytes = flag.Bool("write", false, "write the conversations in testdata/bytes")

// said is one frame from the client. With a row it is a call with the parameters in. Otherwise it is another
// frame with a body.
type said struct {
	kind   wire.Kind
	thread uint32
	row    string
	in     any
	body   []byte
}

func ask(row string, in any) said { return said{wire.Call, 1, row, in, nil} }

// forAll is the descriptor of a file that everyone may read.
var forAll = sddl.MustParse("O:SYG:SYD:(A;;FR;;;WD)")

// conversations have a frame of each kind, rows of each family, values of each type, and each failure with a reply.
var conversations = map[string][]said{
	"objects": {
		ask("NtCreateEvent", nt.CreateEventIn{DesiredAccess: winnt.GENERIC_ALL, ObjectAttributes: nt.Cap(&nt.ObjectAttributes{
			ObjectName: `\BaseNamedObjects\ä`, Attributes: 0x80, SecurityDescriptor: forAll})}),
		ask("NtQueryObject", nt.QueryObjectIn{Handle: 4, ObjectInformationLength: 56}),
		ask("NtDuplicateObject", nt.DuplicateObjectIn{SourceProcessHandle: -1, SourceHandle: 4, TargetProcessHandle: -1,
			DesiredAccess: winnt.READ_CONTROL}),
		ask("NtQuerySecurityObject", nt.QuerySecurityObjectIn{Handle: 4, SecurityInformation: 7, Length: 1000}),
		ask("NtClose", nt.CloseIn{Handle: 4}),
		ask("NtClose", nt.CloseIn{Handle: 4}),
	},
	"tokens": {
		ask("NtOpenProcessToken", nt.OpenProcessTokenIn{ProcessHandle: -1, DesiredAccess: winnt.TOKEN_ALL_ACCESS}),
		queryToken(winnt.TokenUser), queryToken(winnt.TokenGroups), queryToken(winnt.TokenPrivileges),
		queryToken(winnt.TokenDefaultDacl), queryToken(winnt.TokenStatistics), queryToken(winnt.TokenTypeInfo),
		queryToken(winnt.TokenSource), queryToken(winnt.TokenIntegrityLevel), queryToken(99),
		ask("NtAdjustPrivilegesToken", nt.AdjustPrivilegesTokenIn{TokenHandle: 4, BufferLength: 100,
			NewState: nt.Cap([]nt.LUIDAndAttributes{{LUID: 20, Attributes: 2}})}),
		ask("NtDuplicateToken", nt.DuplicateTokenIn{ExistingTokenHandle: 4, DesiredAccess: winnt.TOKEN_ALL_ACCESS,
			TokenType: winnt.TokenImpersonation, ObjectAttributes: nt.Cap(&nt.ObjectAttributes{
				SecurityQualityOfService: &nt.SecurityQualityOfService{ImpersonationLevel: 2, EffectiveOnly: true}})}),
		ask("NtFilterToken", nt.FilterTokenIn{ExistingTokenHandle: 4,
			RestrictedSIDs: nt.Cap([]token.Group{{SID: sid.Everyone}})}),
		ask("NtAccessCheck", nt.AccessCheckIn{SecurityDescriptor: nt.Cap(forAll), ClientToken: 8, DesiredAccess: 1,
			GenericMapping: nt.Cap(winnt.FileObject.Mapping), PrivilegeSetLength: 100}),
	},
	"pipes": {
		ask("NtCreateNamedPipeFile", nt.CreateNamedPipeFileIn{DesiredAccess: winnt.GENERIC_READ | winnt.GENERIC_WRITE,
			NamedPipeType: winnt.FILE_PIPE_MESSAGE_TYPE, MaximumInstances: 1,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\pipe\p`})}),
		ask("NtOpenFile", nt.OpenFileIn{DesiredAccess: winnt.GENERIC_READ | winnt.GENERIC_WRITE,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\pipe\p`})}),
		ask("NtReadFile", nt.ReadFileIn{FileHandle: 4, Length: 16}),
		ask("NtWriteFile", nt.WriteFileIn{FileHandle: 8, Buffer: nt.Cap([]byte("message"))}),
		{wire.Wait, 1, "NtReadFile", nt.ReadFileIn{FileHandle: 4, Length: 16}, nil},
		ask("NtQueryInformationFile", nt.QueryInformationFileIn{FileHandle: 4, FileInformationClass: 23, Length: 8}),
		{wire.Cancel, 0, "", nil, wire.AppendCancel(nil, 99)},
	},
	"later": {
		ask("NtCreateNamedPipeFile", nt.CreateNamedPipeFileIn{DesiredAccess: winnt.GENERIC_READ | winnt.GENERIC_WRITE,
			NamedPipeType: winnt.FILE_PIPE_MESSAGE_TYPE, MaximumInstances: 1,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\pipe\p`})}),
		{wire.Begin, 1, "NtFsControlFile", nt.FsControlFileIn{FileHandle: 4, FsControlCode: winnt.FSCTL_PIPE_LISTEN}, nil},
		ask("NtOpenFile", nt.OpenFileIn{DesiredAccess: winnt.GENERIC_READ | winnt.GENERIC_WRITE,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{ObjectName: `\??\pipe\p`})}),
		{wire.Collect, 0, "", nil, wire.AppendOperation(nil, 2)},
		{wire.Confirm, 0, "", nil, wire.AppendOperation(nil, 2)},
		ask("NtWriteFile", nt.WriteFileIn{FileHandle: 8, Buffer: nt.Cap([]byte("message"))}),
		{wire.Begin, 1, "NtReadFile", nt.ReadFileIn{FileHandle: 4, Length: 16}, nil},
		{wire.Confirm, 0, "", nil, wire.AppendOperation(nil, 7)},
		{wire.Confirm, 0, "", nil, wire.AppendOperation(nil, 7)},
		{wire.Collect, 0, "", nil, wire.AppendOperation(nil, 7)},
	},
	"lsa": {
		ask("LsaOpenPolicy", nt.LsaOpenPolicyIn{DesiredAccess: winnt.POLICY_LOOKUP_NAMES}),
		ask("LsaLookupSids", nt.LsaLookupSidsIn{PolicyHandle: 4, SIDs: []sid.SID{sid.Everyone, {}}}),
		ask("LsaLookupNames2", nt.LsaLookupNames2In{PolicyHandle: 4, Names: []string{"Everyone", "x"}}),
	},
	"threads": {
		{kind: wire.NewThread},
		{kind: wire.Save, thread: 2},
		{kind: wire.Restore, thread: 2, body: wire.AppendTicket(nil, 1)},
		{wire.Then, 2, "NtClose", nt.CloseIn{Handle: 4}, nil},
		{wire.Then, 2, "NtClose", nt.CloseIn{Handle: 4}, nil},
		{kind: wire.EndThread, thread: 2},
		{kind: wire.Save, thread: 2},
		{kind: wire.Attach, thread: 1, body: wire.AppendHandle(nil, 4)},
		{kind: wire.WaitAny, thread: 1, body: wire.AppendAny(nil, []winnt.Handle{4, 8}, true)},
	},
	"made-up-row": {
		{kind: wire.Call, thread: 1, row: "NtMadeUp", body: []byte("its parameters")},
		{kind: wire.Wait, thread: 1, row: "NtMadeUp", body: make([]byte, 20)},
		ask("NtClose", nt.CloseIn{Handle: 4}),
	},
	"broken-body": {{kind: wire.Call, thread: 1, row: "NtClose", body: []byte{0, 4}}},
	"broken-kind": {{kind: 99, thread: 1}},
}

func queryToken(class winnt.TokenInfoClass) said {
	return ask("NtQueryInformationToken",
		nt.QueryInformationTokenIn{TokenHandle: 4, TokenInformationClass: class, TokenInformationLength: ^uint32(0)})
}

// TestConversationsMatchCommittedBytes compares whole conversations with committed ones, byte by byte, because other
// tests cannot detect an error that both ends share. The kernel's clock does not advance, and nothing is random.
//
//	go test ./internal/wire -run TestConversationsMatchCommittedBytes -args -write
func TestConversationsMatchCommittedBytes(t *testing.T) {
	for name, c := range conversations {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			s.exchangeHello()
			var text strings.Builder
			for i, m := range c {
				f := m.frame(t, uint64(i+1))
				fmt.Fprintf(&text, "-> %s\n", line(f, m.row))
				s.send(f)
				answer, err := wire.ReadFrame(s.conn)
				if err != nil {
					fmt.Fprintf(&text, "<- the connection ends: %v\n", s.awaitEnd())
					break
				}
				fmt.Fprintf(&text, "<- %s\n", line(answer, m.row))
			}
			sameText(t, filepath.Join("testdata", "bytes", name+".txt"), text.String())
		})
	}
}

// sameText compares a text with a file, or writes the file.
func sameText(t *testing.T, file, text string) {
	t.Helper()
	if *writeBytes {
		check.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	want, err := os.ReadFile(file)
	check.That(t, err == nil && string(want) == text,
		"%s (%v): got\n%s\nwant the committed bytes; to replace them: go test . -run TestConversations -args -write",
		file, err, text)
}

// frame builds the frame, which requests reasons.
func (m said) frame(t testing.TB, request uint64) *wire.Frame {
	t.Helper()
	f := &wire.Frame{Kind: m.kind, Request: request, Thread: m.thread, Body: m.body}
	if m.row == "" {
		return f
	}
	if f.Service = 60000; m.in == nil && nt.NtTable.Find(m.row) == nil {
		return f
	}
	row := wire.Rows()[nt.NtTable.Find(m.row).Info().Number]
	f.Service = row.Service
	if m.in == nil {
		return f
	}
	if m.kind == wire.Wait {
		f.Body = wire.AppendWait(nil, 4, ntstatus.PipeEmpty)
	}
	if m.kind == wire.Begin {
		f.Body = wire.AppendLater(nil, &nt.Later{ApcRoutine: 0x11, ApcContext: 0x12, IoStatusBlock: 0x13})
	}
	f.Body = check.Must(row.AppendCall(f.Body, m.in, true))
	return f
}

// line prints a frame: the fields of its head, with the name of its row in place of
// the number, which every new row changes, and its body in lines of 48 bytes.
func line(f *wire.Frame, row string) string {
	b := wire.AppendFrame(nil, f)
	var out strings.Builder
	fmt.Fprintf(&out, "%x %x %x %x ", b[:4], b[4:5], b[5:13], b[13:17])
	if row == "" {
		fmt.Fprintf(&out, "%x", binary.LittleEndian.AppendUint16(nil, f.Service))
	} else {
		out.WriteString(row)
	}
	for body := f.Body; len(body) > 0; body = body[min(48, len(body)):] {
		out.WriteString("\n     " + hex.EncodeToString(body[:min(48, len(body))]))
	}
	return out.String()
}

// TestReleasedHelloFramesDecode decodes the hello frames that released versions send, in both forms. A newer version is
// an error that names both versions and the remedy (W-1).
func TestReleasedHelloFramesDecode(t *testing.T) {
	files, err := filepath.Glob("../../testdata/formats/*/wire/hello.txt")
	check.RequireThat(t, err == nil && len(files) != 0, "%v %v", files, err)
	for _, name := range files {
		text := check.Must(os.ReadFile(name))
		for line := range strings.Lines(string(text)) {
			form, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
			b := check.Must(hex.DecodeString(digits))
			f, err := wire.ReadFrame(bufio.NewReader(bytes.NewReader(b)))
			check.RequireThat(t, err == nil, "%s: %s: %v", name, form, err)
			h, err := wire.DecodeHello(f.Body)
			check.That(t, err == nil && h.Version == 1 && h.Process == 8 && h.Thread == "main" && len(h.Rows) >= 100,
				"%s: %s: version %d, %d rows, %v", name, form, h.Version, len(h.Rows), err)
			newer := bytes.Replace(bytes.Replace(f.Body, []byte("refmon\x01"), []byte("refmon\x02"), 1),
				[]byte(`"Version":1`), []byte(`"Version":2`), 1)
			if _, err := wire.DecodeHello(newer); err == nil || !strings.Contains(err.Error(),
				"version 2, want 1: use client and daemon of one release") {
				t.Errorf("W-1: %s: a newer hello: %v", form, err)
			}
		}
	}
}
