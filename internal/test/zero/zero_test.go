package zero

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/refmon/refmon/ntstatus"
)

// made are types whose zero value is unusable: a method panics where it needs what the constructor sets. That is no
// permission.
var made = map[string]string{
	"token.Token":         "tokens come from package token; what decides refuses one that IsZero",
	"nt.Row":              "nt.Add makes them",
	"nt.Thread":           "threads come from a kernel or a client",
	"kernel.KernelThread": "System.KernelMode makes them",
	"kernel.System":       "Boot makes them",
	"kernel.Process":      "System.CreateProcess makes them",
	"audit.Log":           "Opened looks at what it is given, which must be there",
	"effective.Evaluator": "NewEvaluator makes them",
}

// harmless are methods, and types all of whose methods return true without granting anything.
var harmless = map[string]string{
	"ntstatus.Status.IsSuccess":       "a status is a number, and 0 is success; what decides holds a Verdict",
	"sid.SID.Equal":                   "the zero SID equals itself",
	"sid.SID.IsZero":                  "asks for the zero value",
	"sd.ACE.IsZero":                   "asks for the zero value",
	"sd.Descriptor.HasDACL":           "an empty DACL grants nothing",
	"sd.Type.IsAllow":                 "type 0 is ACCESS_ALLOWED_ACE_TYPE",
	"token.Token.IsZero":              "asks for the zero value",
	"token.Token.AdjustPrivileges":    "makes another zero token",
	"token.Token.WithDefaultDACL":     "makes another zero token",
	"token.Token.WithMandatoryPolicy": "makes another zero token",
	"audit.Log":                       "a log without a sink has nothing to record",
	"audit.Policy.Quiet":              "a policy without settings records no open",
	"audit.Active.CompareAndSwap":     "replaces no policy by no policy",
	"effective.Evaluator.Repeatable":  "says that nothing random decided",
	"effective.Set.Equal":             "the empty sets are equal",
	"fileaccess.SubIDs.Overlaps":      "an overlap takes an id away",
}

// TestZeroValuesGrantNothing calls each method that can grant something on the zero value of its type, with
// zero arguments.
func TestZeroValuesGrantNothing(t *testing.T) {
	asked, unused := 0, map[string]bool{}
	for name := range harmless {
		unused[name] = true
	}
	for name := range made {
		unused[name] = true
	}
	for _, typ := range askable {
		for i := range reflect.PointerTo(typ).NumMethod() {
			m := reflect.PointerTo(typ).Method(i)
			if !isQuestion(m.Type) {
				continue
			}
			asked++
			name := typ.String() + "." + m.Name
			yes, stopped := ask(typ, m)
			excuse := name
			if _, ok := harmless[typ.String()]; ok {
				excuse = typ.String()
			}
			_, ok := harmless[excuse]
			_, useless := made[typ.String()]
			switch {
			case stopped != "":
				if delete(unused, typ.String()); !useless {
					t.Errorf("%s: the zero value stops the program: %s", name, stopped)
				}
			case yes && !ok:
				t.Errorf("%s: the zero value grants", name)
			case yes:
				delete(unused, excuse)
			}
		}
	}
	for name := range unused {
		t.Errorf("%s needs no excuse", name)
	}
	if asked < 100 {
		t.Errorf("only %d methods were called, want at least 100", asked)
	}
}

var (
	boolean = reflect.TypeFor[bool]()
	status  = reflect.TypeFor[ntstatus.Status]()
)

func isQuestion(method reflect.Type) bool {
	for i := range method.NumOut() {
		out := method.Out(i)
		if out == boolean || out == status {
			return true
		}
	}
	return false
}

// ask calls a method of a zero value with zero arguments.
func ask(typ reflect.Type, m reflect.Method) (yes bool, stopped string) {
	defer func() {
		if r := recover(); r != nil {
			stopped = fmt.Sprint(r)
		}
	}()
	in := []reflect.Value{reflect.New(typ)}
	for i := 1; i < m.Type.NumIn(); i++ {
		in = append(in, reflect.Zero(m.Type.In(i)))
	}
	call := m.Func.Call
	if m.Type.IsVariadic() {
		call = m.Func.CallSlice
	}
	for _, out := range call(in) {
		switch out.Type() {
		case boolean:
			yes = yes || out.Bool()
		case status:
			yes = yes || out.Interface() == ntstatus.Success
		}
	}
	return yes, ""
}
