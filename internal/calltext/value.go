package calltext

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Value returns a value as a program writes it. The rights of object name the bits of an access mask. Without an object
// the mask is hexadecimal. A parameter that could not be captured prints its status. An enumeration prints by name, and
// a pointer without a notation by its type, never as an address.
func (p *Printer) Value(f reflect.Value, object *winnt.ObjectType) string {
	if s := f; s.Kind() == reflect.Struct && s.NumField() == 2 && s.Type().Field(1).Name == "Status" {
		if st, ok := s.Field(1).Interface().(ntstatus.Status); ok && st != ntstatus.Success {
			return BadPointer(st) // nt.Captured: reading the caller's memory failed
		}
	}
	if s, ok := p.valueText(f.Interface(), object); ok {
		return s
	}
	if s, ok := p.inputText(f.Interface()); ok {
		return s
	}
	if s, ok := p.capturedText(f); ok {
		return s
	}
	if s, ok := p.tokenText(f.Interface()); ok {
		return s
	}
	if f.Kind() == reflect.Interface && !f.IsNil() {
		return p.Value(f.Elem(), object)
	}
	if s, ok := f.Interface().(fmt.Stringer); ok && (f.Kind() == reflect.Uint32 || f.Kind() == reflect.Uint8) {
		return s.String() // an enumeration prints by name
	}
	if f.Kind() == reflect.Struct && f.NumField() == 2 && f.Type().Field(0).Name == "V" {
		return p.Value(f.Field(0), object) // nt.Captured: the value
	}
	if s := p.literal(f, object); s != "None" {
		return s
	}
	if f.Kind() == reflect.Pointer && !f.IsNil() {
		return f.Type().Elem().Name() // never an address: a transcript is compared
	}
	return fmt.Sprint(f.Interface())
}

// valueText returns a value whose type has a notation of its own in transcripts. A zero handle is "NULL", and a nil
// type or token is "None". The boolean is false, and the text empty, for other types.
func (p *Printer) valueText(v any, object *winnt.ObjectType) (string, bool) {
	switch x := v.(type) {
	case winnt.AccessMask:
		return maskText(x, object), true
	case winnt.Handle:
		if x == 0 {
			return "NULL", true
		}
		return x.String(), true
	case bool:
		if x {
			return "True", true
		}
		return "False", true
	case *winnt.ObjectType:
		if x == nil {
			return "None", true
		}
		return x.Name, true
	case []access.ObjectTypeEntry:
		var parts []string
		for _, e := range x {
			parts = append(parts, fmt.Sprintf("(%d, %q)", e.Level, e.GUID))
		}
		return "[" + strings.Join(parts, ", ") + "]", true
	case *nt.PrivilegeSet:
		if x == nil {
			return "None", true
		}
		return Privileges(x.Privilege), true
	case []nt.LUIDAndAttributes:
		return Privileges(x), true
	case *kernel.EThread:
		return x.Name(), true
	case *kernel.EProcess:
		return x.Name(), true
	case *kernel.AccessToken:
		if x == nil {
			return "None", true
		}
		return TokenName(x, p.TokenNames[x]), true
	}
	return "", false
}

// inputText formats a parameter that was passed by pointer and captured. It returns "" and false for every other
// type. A nil pointer gives "None". A client id gives a pair, or the single number that is set.
func (p *Printer) inputText(v any) (string, bool) {
	switch x := v.(type) {
	case nt.Captured[*nt.ObjectAttributes]:
		return attributesText(x), true
	case nt.Captured[*nt.SecurityQualityOfService]:
		return sqosText(x.V), true
	case nt.Captured[*nt.ClientID]:
		if x.V == nil {
			return "None", true
		}
		if x.V.UniqueProcess == 0 {
			return x.V.UniqueThread.String(), true
		}
		if x.V.UniqueThread == 0 {
			return x.V.UniqueProcess.String(), true
		}
		return fmt.Sprintf("(%s, %s)", x.V.UniqueProcess, x.V.UniqueThread), true
	case nt.Captured[*sd.Descriptor]:
		return descriptorText(x.V), true
	case nt.Captured[winnt.GenericMapping]:
		return mappingText(x.V), true
	case nt.Captured[[]nt.LUIDAndAttributes]:
		return Privileges(x.V), true
	case nt.Captured[*nt.PrivilegeSet]:
		if x.V == nil {
			return "None", true
		}
		return Privileges(x.V.Privilege), true
	case nt.Captured[*nt.JobSecurityLimitInformation]:
		return limits(x.V), true
	case *win32.SecurityAttributes:
		if x == nil {
			return "None", true
		}
		return attributesText(nt.Cap(x.ObjectAttributes())), true
	case nt.Captured[winnt.Handle]:
		return p.Value(reflect.ValueOf(x.V), nil), true
	case nt.Captured[sid.SID]:
		return x.V.String(), true
	case nt.Captured[[]byte]:
		return fmt.Sprintf("%q", x.V), true
	case nt.Captured[string]:
		return fmt.Sprintf("%q", x.V), true
	}
	return "", false
}

// BadPointer returns the text for an unreadable pointer, with the status of the read.
func BadPointer(st ntstatus.Status) string { return "bad_pointer(" + st.String() + ")" }

// capturedText returns the value of a captured parameter of any type, "None" for nil. It does not show the status of
// the capture. A pointer to a number prints the number. It returns "" and false for other values.
func (p *Printer) capturedText(f reflect.Value) (text string, known bool) {
	if f.Kind() != reflect.Struct || f.NumField() != 2 || !f.Field(1).CanInterface() ||
		!strings.HasPrefix(f.Type().Name(), "Captured[") {
		return "", false
	}
	v := f.Field(0)
	if (v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice || v.Kind() == reflect.Interface) && v.IsNil() {
		return "None", true
	}
	if v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Uint32 {
		v = v.Elem()
	}
	if v.Kind() == reflect.Slice {
		if s, ok := p.tokenText(v.Interface()); ok {
			return s, true
		}
		var parts []string
		for i := range v.Len() {
			parts = append(parts, p.Value(v.Index(i), nil))
		}
		return "[" + strings.Join(parts, ", ") + "]", true
	}
	return p.Value(v, nil), true
}

// maskText returns an access mask by the names of the object type: one name if it is all rights, and "0" for an empty
// mask. It is hexadecimal if object is nil.
func maskText(m winnt.AccessMask, object *winnt.ObjectType) string {
	if object == nil {
		return m.String()
	}
	if name := allAccess(m, object); name != "" {
		return name
	}
	return object.Names(m)
}

// allAccess returns the documented name of all rights of a type, such as TOKEN_ALL_ACCESS, if m equals them; ""
// otherwise. A type without rights has none.
func allAccess(m winnt.AccessMask, object *winnt.ObjectType) string {
	if len(object.Rights) == 0 {
		return ""
	}
	prefix, _, _ := strings.Cut(object.Rights[0].Name, "_")
	for name, all := range Rights {
		if all == m && strings.HasPrefix(name, prefix+"_") && strings.HasSuffix(name, "_ALL_ACCESS") {
			return name
		}
	}
	return ""
}

// descriptorText returns a descriptor as quoted SDDL, "None" for nil, or its size if it has no SDDL form.
func descriptorText(d *sd.Descriptor) string {
	if d == nil {
		return "None"
	}
	s, err := sddl.Format(d, sddl.Options{})
	if err != nil {
		return fmt.Sprintf("(%d bytes)", d.Size())
	}
	return fmt.Sprintf("%q", s)
}

// attributesText returns the object attributes that are set, in braces, but never the root directory. It returns "None"
// for a NULL pointer.
func attributesText(c nt.Captured[*nt.ObjectAttributes]) string {
	if c.V == nil {
		return "None"
	}
	var parts []string
	if c.V.ObjectName != "" {
		parts = append(parts, fmt.Sprintf("%q", c.V.ObjectName))
	}
	if c.V.Attributes != 0 {
		parts = append(parts, fmt.Sprintf("attributes=0x%x", c.V.Attributes))
	}
	if c.V.SecurityDescriptor != nil {
		parts = append(parts, "sd="+descriptorText(c.V.SecurityDescriptor))
	}
	if q := c.V.SecurityQualityOfService; q != nil {
		parts = append(parts, "sqos="+sqosText(q))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// sqosText returns a quality of service: its level and the fields that differ from the default. It returns "None" for
// nil.
func sqosText(q *nt.SecurityQualityOfService) string {
	if q == nil {
		return "None"
	}
	s := q.ImpersonationLevel.String()
	if q.ContextTrackingMode {
		s += " dynamic"
	}
	if q.EffectiveOnly {
		s += " effective only"
	}
	return s
}

// mappingText returns the name of an object type with this mapping, or else the four masks in brackets.
func mappingText(m winnt.GenericMapping) string {
	for _, name := range []string{"file", "key", "token", "process", "thread", "directoryService", "event", "job"} {
		if winnt.ObjectTypeByName(name).Mapping == m {
			return name
		}
	}
	return fmt.Sprintf("[%s, %s, %s, %s]", m.Read, m.Write, m.Execute, m.All)
}
