// Package answer is refmon's own adapter for the kit: it answers questions with
// the packages access, audit, kernel, sd, sddl and token.
//
//	err := answer.Serve(os.Stdin, os.Stdout)
//
// It shares the forms of inputs with package kit, and no decision with package
// oracle. A [Server] belongs to one goroutine.
package answer

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/refmon/refmon/internal/kit"
	"github.com/refmon/refmon/internal/kit/oracle"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// errInvalid wraps errors about malformed input.
var errInvalid = errors.New("invalid")

// operations are the operations with their inputs, by refmon's profile.
var operations = map[nt.Profile]map[string]func(json.RawMessage) (*kit.Out, error){
	nt.Documented: operationsOf(machine{nt.Documented}), nt.Observed: operationsOf(machine{nt.Observed}),
}

// operationsOf returns refmon's handler for each operation of the kit. duplicate and impersonate run on m.
func operationsOf(m machine) map[string]func(json.RawMessage) (*kit.Out, error) {
	return map[string]func(json.RawMessage) (*kit.Out, error){
		"parse_sddl": with(parseSDDL), "format_sddl": with(formatSDDL), "read_descriptor": with(readDescriptor),
		"inherit": with(inherit), "access_check": with(accessCheck), "access_check_list": with(accessCheckList),
		"duplicate": with(m.duplicate), "filter": with(filter), "adjust_groups": with(adjustGroups),
		"adjust_privileges": with(adjustPrivileges), "impersonate": with(m.impersonate), "audit_check": with(auditCheck),
	}
}

// with converts an operation with a typed input into one with raw JSON. Input that does not decode into I is an
// error, and f is not called.
func with[I any](f func(*I) (*kit.Out, error)) func(json.RawMessage) (*kit.Out, error) {
	return func(raw json.RawMessage) (*kit.Out, error) {
		var in I
		if err := json.Unmarshal(raw, &in); err != nil {
			return nil, err
		}
		return f(&in)
	}
}

// Answer answers one question. The error of malformed input starts with "invalid: " and any other with "other: ". An
// unknown operation is unsupported.
func Answer(id, op string, in json.RawMessage) kit.Answer { return AnswerAs(nt.Documented, id, op, in) }

// AnswerAs answers as [Answer], as a refmon of this profile. An unknown operation is Unsupported, not an error.
// Malformed input is an Error that begins with "invalid", and any other failure one that begins with "other".
func AnswerAs(profile nt.Profile, id, op string, in json.RawMessage) kit.Answer {
	f := operations[profile][op]
	if f == nil {
		return kit.Answer{ID: id, Unsupported: fmt.Sprintf("no operation %q", op)}
	}
	out, err := f(in)
	switch {
	case errors.Is(err, errInvalid):
		return kit.Answer{ID: id, Error: err.Error()}
	case err != nil:
		return kit.Answer{ID: id, Error: "other: " + err.Error()}
	}
	return kit.Answer{ID: id, Out: out}
}

// Serve reads questions until the end of r, and writes each answer to w at once. It returns the first error of r or w,
// and one for a line that is longer than kit.MaxQuestion or not a question, such as an empty one.
func Serve(r io.Reader, w io.Writer) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, kit.MaxQuestion)
	n := 1
	for ; lines.Scan(); n++ {
		var q struct {
			ID, Op string
			In     json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return fmt.Errorf("a line that is not a question: %w", err)
		}
		b, err := json.Marshal(Answer(q.ID, q.Op, q.In))
		if err != nil {
			return err
		}
		if _, err := w.Write(append(b, '\n')); err != nil {
			return err
		}
	}
	return strict.LineError(lines.Err(), n, kit.MaxQuestion)
}

// invalid wraps err with errInvalid, so that the answer's error starts with "invalid: " and not with "other: ".
func invalid(err error) error { return fmt.Errorf("%w: %w", errInvalid, err) }

// decode reads a descriptor from hexadecimal; "" is nil. A descriptor that does not decode is an invalid input, wrong
// hexadecimal another error.
func decode(text string) (*sd.Descriptor, error) {
	if text == "" {
		return nil, nil
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		return nil, err
	}
	d, err := sd.Decode(b)
	if err != nil {
		return nil, invalid(err)
	}
	return d, nil
}

// hexOf returns the self-relative bytes of d in hexadecimal.
func hexOf(d *sd.Descriptor) string { return hex.EncodeToString(d.Binary()) }

// options returns SDDL options for the SID text of a domain. An empty text means no domain; a malformed one is
// an error.
func options(domain string) (sddl.Options, error) {
	if domain == "" {
		return sddl.Options{}, nil
	}
	s, err := sid.Parse(domain)
	return sddl.Options{Domain: s}, err
}

// parseSDDL answers with the bytes of the SDDL text, in hexadecimal. The error for a text that does not parse wraps
// errInvalid; that for a malformed domain does not.
func parseSDDL(in *kit.ParseIn) (*kit.Out, error) {
	o, err := options(in.Domain)
	if err != nil {
		return nil, err
	}
	d, err := sddl.Parse(in.SDDL, o)
	if err != nil {
		return nil, invalid(err)
	}
	return &kit.Out{Hex: hexOf(d)}, nil
}

// formatSDDL answers with the SDDL text of the descriptor's bytes. It returns an error for bytes that are not a
// descriptor, and for one that has no text, which comes with an empty answer.
func formatSDDL(in *kit.HexIn) (*kit.Out, error) {
	o, err := options(in.Domain)
	if err != nil {
		return nil, err
	}
	d, err := decode(in.Hex)
	if err != nil {
		return nil, err
	}
	text, err := sddl.Format(d, o)
	return &kit.Out{SDDL: text}, err
}

// readDescriptor decodes the bytes and answers with refmon's encoding of the same descriptor. The error for bytes that
// are not a descriptor wraps errInvalid. Text that is no hexadecimal is another error.
func readDescriptor(in *kit.HexIn) (*kit.Out, error) {
	b, err := hex.DecodeString(in.Hex)
	if err != nil {
		return nil, err
	}
	d, err := sd.Decode(b)
	if err != nil {
		return nil, invalid(err)
	}
	return &kit.Out{Hex: hexOf(d)}, nil
}

// mapping converts the question's generic mapping to refmon's type.
func mapping(m oracle.Mapping) *winnt.GenericMapping {
	return &winnt.GenericMapping{Read: winnt.AccessMask(m.Read), Write: winnt.AccessMask(m.Write),
		Execute: winnt.AccessMask(m.Execute), All: winnt.AccessMask(m.All)}
}

// inherit returns the new object's descriptor in hexadecimal, or only a status if refmon assigns none. The caller may
// set any owner, SACL and label. Both lists inherit automatically or neither does. A malformed SID, GUID or
// descriptor is an error.
func inherit(in *kit.InheritIn) (*kit.Out, error) {
	r := sd.AssignRequest{IsContainer: in.Directory, Mapping: mapping(in.Mapping)}
	var err error
	for _, d := range []struct {
		text string
		to   **sd.Descriptor
	}{{in.ParentHex, &r.Parent}, {in.CreatorHex, &r.Creator}} {
		if *d.to, err = decode(d.text); err != nil {
			return nil, err
		}
	}
	caller := &sd.Caller{Restore: true, Security: true, Relabel: true}
	if caller.Owner, err = sid.Parse(in.Owner); err != nil {
		return nil, err
	}
	if caller.Group, err = sid.Parse(in.Group); err != nil {
		return nil, err
	}
	caller.ServerOwner, caller.ServerGroup = caller.Owner, caller.Group
	def, err := decode(in.DefaultDACLHex)
	if err != nil {
		return nil, err
	}
	if def != nil {
		caller.DefaultDACL = def.DACL()
	}
	if in.ObjectType != "" {
		g, err := winnt.ParseGUID(in.ObjectType)
		if err != nil {
			return nil, err
		}
		r.ObjectTypes = []winnt.GUID{g}
	}
	if r.Subject = caller; in.AutoInherit {
		r.Flags = sd.DACLAutoInherit | sd.SACLAutoInherit
	}
	d, st := sd.Assign(&r)
	if !st.IsSuccess() {
		return &kit.Out{Status: st.String()}, nil
	}
	return &kit.Out{Hex: hexOf(d)}, nil
}
