package replay

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/cli/batch"
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// answer returns refmon's answer to a question: the status and the out fields. own is the recorder's token. A rejected
// input is an answer with an error status. The error means that the line is not a valid question. An unknown call wraps
// ErrMalformed.
func answer(l *Line, own *token.Token) (status string, out Fields, err error) {
	switch l.Call {
	case TextToSID:
		return textAnswer(l, "sid", func(text string) (Fields, error) {
			s, err := sid.Resolve(text, sid.SID{})
			return Fields{"hex": hex.EncodeToString([]byte(s.Binary()))}, orStatus(err, ntstatus.InvalidSID)
		})
	case TextToDescriptor:
		return textAnswer(l, "sddl", func(text string) (Fields, error) {
			d, err := sddl.Parse(text)
			if err != nil {
				return nil, orStatus(err, ntstatus.InvalidSecurityDescr)
			}
			return Fields{"hex": hex.EncodeToString(d.Binary())}, nil
		})
	case SIDToText:
		return bytesAnswer(l, func(b []byte) (Fields, error) {
			s, _, err := sid.Decode(b)
			return Fields{"sid": s.String()}, orStatus(err, ntstatus.InvalidSID)
		})
	case DescriptorToText:
		return bytesAnswer(l, func(b []byte) (Fields, error) {
			d, err := sd.Decode(b)
			if err != nil {
				return nil, orStatus(err, ntstatus.InvalidSecurityDescr)
			}
			text, err := sddl.Format(d, sddl.Options{})
			return Fields{"sddl": text}, orStatus(err, ntstatus.InvalidSecurityDescr)
		})
	case AccessCheck:
		return checkAnswer(l)
	case NewDescriptor:
		return createAnswer(l, own)
	}
	return "", nil, fmt.Errorf("%s: no question of this name is known: %w", l.Call, ErrMalformed)
}

// textAnswer calls f with a text field of the line and returns the status and outputs. An error of f becomes a
// status. Without the field, the error wraps ErrMalformed.
func textAnswer(l *Line, field string, f func(string) (Fields, error)) (string, Fields, error) {
	text, ok := l.In[field].(string)
	if !ok {
		return "", nil, fmt.Errorf("%s: no field %q: %w", l.Case, field, ErrMalformed)
	}
	out, err := f(text)
	status, out := win32Answer(out, err)
	return status, out, nil
}

// bytesAnswer calls f with the bytes of the field hex and returns the status and outputs. An error of f becomes
// a status. For missing or wrong digits, the error wraps ErrMalformed.
func bytesAnswer(l *Line, f func([]byte) (Fields, error)) (string, Fields, error) {
	text, _ := l.In["hex"].(string)
	b, err := hex.DecodeString(text)
	if err != nil || text == "" {
		return "", nil, fmt.Errorf("%s: field \"hex\" holds no bytes: %w", l.Case, ErrMalformed)
	}
	out, err := f(b)
	status, out := win32Answer(out, err)
	return status, out, nil
}

// orStatus gives an error a status: st, unless err has one of its own. It returns nil for nil, and err itself if it
// has a status.
func orStatus(err error, st ntstatus.Status) error {
	var has *ntstatus.Error
	if err == nil || errors.As(err, &has) {
		return err
	}
	return st.Err()
}

// win32Answer converts an error to the code of GetLastError, without out. For nil it returns code 0 and out. err must
// wrap an [ntstatus.Error].
func win32Answer(out Fields, err error) (string, Fields) {
	if err == nil {
		return win32.Code(0).String(), out
	}
	var e *ntstatus.Error
	errors.As(err, &e)
	return win32.Code(e.Status.Win32()).String(), nil
}

// Creation is the input of a NewDescriptor question.
type Creation struct {
	Parent, Creator *sd.Descriptor
	Container       bool
	Flags           uint32
	ObjectTypes     []winnt.GUID // one or none
	Mapping         winnt.GenericMapping
}

// ReadCreation parses the input of a NewDescriptor question. A missing parent or creator is nil. Malformed flags, a
// malformed descriptor and an unknown mapping are errors. The mapping is required, the object type is optional. A value
// of the wrong type counts as missing.
func ReadCreation(in Fields) (c Creation, err error) {
	text := func(name string) string { s, _ := in[name].(string); return s }
	for name, to := range map[string]**sd.Descriptor{"parent": &c.Parent, "creator": &c.Creator} {
		if text(name) == "" {
			continue
		}
		if *to, err = sddl.Parse(text(name)); err != nil {
			return c, fmt.Errorf("%s: %w", name, err)
		}
	}
	c.Container, _ = in["container"].(bool)
	flags, err := strconv.ParseUint(text("flags"), 0, 32)
	if err != nil {
		return c, fmt.Errorf("flags: %w", err)
	}
	c.Flags = uint32(flags)
	if class := text("objectType"); class != "" {
		g, err := winnt.ParseGUID(class)
		if err != nil {
			return c, err
		}
		c.ObjectTypes = []winnt.GUID{g}
	}
	t := winnt.ObjectTypeByName(text("mapping"))
	if t == nil {
		return c, fmt.Errorf("mapping: no object type %q", text("mapping"))
	}
	c.Mapping = t.Mapping
	return c, nil
}

// createAnswer builds the descriptor of a new object. A status other than success comes without fields. Only a
// malformed question is an error. A descriptor that SDDL cannot express is STATUS_INVALID_SECURITY_DESCR.
func createAnswer(l *Line, own *token.Token) (string, Fields, error) {
	c, err := ReadCreation(l.In)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w: %w", l.Case, ErrMalformed, err)
	}
	subject := access.Subject{Primary: own}
	d, st := sd.Assign(&sd.AssignRequest{Parent: c.Parent, Creator: c.Creator, IsContainer: c.Container,
		ObjectTypes: c.ObjectTypes, Flags: sd.AutoInherit(c.Flags),
		Subject: se.Creator(&subject, false), Mapping: &c.Mapping})
	if st != ntstatus.Success {
		status, _ := win32Answer(nil, st.Err())
		return status, nil, nil
	}
	text, err := sddl.Format(d, sddl.Options{})
	status, out := win32Answer(Fields{"sddl": text}, orStatus(err, ntstatus.InvalidSecurityDescr))
	return status, out, nil
}

// checkAnswer decides an access vector. AuthzAccessCheck has neither a call nor a token type, so its questions follow
// the rules of the kernel routine. The result has neither id nor note. l stays unchanged. A question that is malformed
// is ErrMalformed.
func checkAnswer(l *Line) (string, Fields, error) {
	in := Fields{}
	for k, v := range l.In {
		in[k] = v
	}
	if f, _ := l.Out["function"].(string); f == "AuthzAccessCheck" {
		delete(in, "call")
	}
	line, err := json.Marshal(in)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", l.Case, err)
	}
	var b bytes.Buffer
	if _, err := (batch.Checks{}).Job().Run(bytes.NewReader(append(line, '\n')), &b); err != nil {
		return "", nil, fmt.Errorf("%s: %w", l.Case, err)
	}
	out := Fields{}
	if err := json.Unmarshal(b.Bytes(), &out); err != nil {
		return "", nil, fmt.Errorf("%s: %w", l.Case, err)
	}
	if text, bad := out["error"].(string); bad {
		return "", nil, fmt.Errorf("%s: %s: %w", l.Case, text, ErrMalformed)
	}
	status, _ := out["status"].(string)
	delete(out, "id")
	delete(out, "note")
	delete(out, "status")
	return status, out, nil
}
