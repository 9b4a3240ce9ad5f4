package script

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/refmon/refmon/internal/calltext"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/winnt"
)

// Types that convertObject handles.
var (
	flagInfoType   = reflect.TypeFor[nt.Captured[nt.HandleFlagInformation]]()
	capSQOSType    = reflect.TypeFor[nt.Captured[*nt.SecurityQualityOfService]]()
	sqosType       = reflect.TypeFor[nt.SecurityQualityOfService]()
	capMappingType = reflect.TypeFor[nt.Captured[*winnt.GenericMapping]]()
	capGUIDType    = reflect.TypeFor[nt.Captured[*winnt.GUID]]()
)

// objectConstants are the documented names for the object services.
var objectConstants = map[string]uint32{
	"OWNER_SECURITY_INFORMATION":               winnt.OWNER_SECURITY_INFORMATION,
	"GROUP_SECURITY_INFORMATION":               winnt.GROUP_SECURITY_INFORMATION,
	"DACL_SECURITY_INFORMATION":                winnt.DACL_SECURITY_INFORMATION,
	"SACL_SECURITY_INFORMATION":                winnt.SACL_SECURITY_INFORMATION,
	"LABEL_SECURITY_INFORMATION":               winnt.LABEL_SECURITY_INFORMATION,
	"ATTRIBUTE_SECURITY_INFORMATION":           winnt.ATTRIBUTE_SECURITY_INFORMATION,
	"SCOPE_SECURITY_INFORMATION":               winnt.SCOPE_SECURITY_INFORMATION,
	"PROCESS_TRUST_LABEL_SECURITY_INFORMATION": winnt.PROCESS_TRUST_LABEL_SECURITY_INFORMATION,
	"ACCESS_FILTER_SECURITY_INFORMATION":       winnt.ACCESS_FILTER_SECURITY_INFORMATION,
	"BACKUP_SECURITY_INFORMATION":              winnt.BACKUP_SECURITY_INFORMATION,
	"PROTECTED_DACL_SECURITY_INFORMATION":      winnt.PROTECTED_DACL_SECURITY_INFORMATION,
	"PROTECTED_SACL_SECURITY_INFORMATION":      winnt.PROTECTED_SACL_SECURITY_INFORMATION,
	"UNPROTECTED_DACL_SECURITY_INFORMATION":    winnt.UNPROTECTED_DACL_SECURITY_INFORMATION,
	"UNPROTECTED_SACL_SECURITY_INFORMATION":    winnt.UNPROTECTED_SACL_SECURITY_INFORMATION,
	"SEF_DACL_AUTO_INHERIT":                    0x1, "SEF_SACL_AUTO_INHERIT": 0x2,
	"SEF_DEFAULT_DESCRIPTOR_FOR_OBJECT": 0x4,
	"SEF_AVOID_PRIVILEGE_CHECK":         0x8,
	"SEF_AVOID_OWNER_CHECK":             0x10, "SEF_DEFAULT_OWNER_FROM_PARENT": 0x20,
	"SEF_DEFAULT_GROUP_FROM_PARENT":     0x40,
	"OBJ_IGNORE_IMPERSONATED_DEVICEMAP": winnt.OBJ_IGNORE_IMPERSONATED_DEVICEMAP,
}

// addObjectConstants adds objectConstants and the enumerations of the object services to env.
func addObjectConstants(env starlark.StringDict) {
	for name, n := range objectConstants {
		env[name] = starlark.MakeUint64(uint64(n))
	}
	for c := nt.ObjectBasicInformation; c <= nt.ObjectHandleFlagInformation; c++ {
		env[c.String()] = named{"OBJECT_INFORMATION_CLASS", uint64(c), c.String()}
	}
	env[nt.MutantBasicInformation.String()] = named{"MUTANT_INFORMATION_CLASS", 0, nt.MutantBasicInformation.String()}
	env[nt.SemaphoreBasicInformation.String()] = named{"SEMAPHORE_INFORMATION_CLASS", 0,
		nt.SemaphoreBasicInformation.String()}
	env[nt.TimerBasicInformation.String()] = named{"TIMER_INFORMATION_CLASS", 0, nt.TimerBasicInformation.String()}
	for t := nt.NotificationTimer; t <= nt.SynchronizationTimer; t++ {
		env[t.String()] = named{"TIMER_TYPE", uint64(t), t.String()}
	}
	for _, c := range []nt.ProcessInfoClass{nt.ProcessBasicInformation, nt.ProcessTimes, nt.ProcessHandleCount,
		nt.ProcessImageFileName, nt.ProcessHandleInformation} {
		env[c.String()] = named{"PROCESSINFOCLASS", uint64(c), c.String()}
	}
	for _, c := range []nt.ThreadInfoClass{nt.ThreadBasicInformation, nt.ThreadTimes, nt.ThreadNameInformation} {
		env[c.String()] = named{"THREADINFOCLASS", uint64(c), c.String()}
	}
	for _, c := range []nt.FileInfoClass{nt.FilePipeInformation, nt.FilePipeLocalInformation, nt.FileAccessInformation,
		nt.FileNameInformation, nt.FileAlignmentInformation, nt.FileIoCompletionNotificationInformation} {
		env[c.String()] = named{"FILE_INFORMATION_CLASS", uint64(c), c.String()}
	}
	for _, c := range []nt.FsInfoClass{nt.FileFsSizeInformation, nt.FileFsDeviceInformation,
		nt.FileFsFullSizeInformation} {
		env[c.String()] = named{"FS_INFORMATION_CLASS", uint64(c), c.String()}
	}
	for e := nt.NotificationEvent; e <= nt.SynchronizationEvent; e++ {
		env[e.String()] = named{"EVENT_TYPE", uint64(e), e.String()}
	}
}

// convertObject sets a parameter of a type that only object services use. For other types known is false and the
// parameter stays unchanged. For the types it knows, known is true even with an error, which leaves the parameter
// unchanged. None gives a nil pointer.
func (r *Runner) convertObject(to reflect.Value, v starlark.Value) (known bool, err error) {
	if calltext.Opaque[to.Type()] != "" {
		return true, setOpaque(to, v)
	}
	switch to.Type() {
	case flagInfoType:
		err = set(to, v, handleFlags)
	case capSQOSType:
		err = set(to, v, capturedSQOS)
	case sqosType:
		var q nt.Captured[*nt.SecurityQualityOfService]
		if q, err = capturedSQOS(v); err == nil && q.V != nil {
			to.Set(reflect.ValueOf(*q.V))
		}
	case capMappingType:
		err = set(to, v, func(v starlark.Value) (c nt.Captured[*winnt.GenericMapping], err error) {
			if v == starlark.None {
				return c, nil
			}
			m, err := mapping(v)
			return nt.Cap(&m.V), err
		})
	case capGUIDType:
		err = set(to, v, func(v starlark.Value) (c nt.Captured[*winnt.GUID], err error) {
			if v == starlark.None {
				return c, nil
			}
			s, _ := starlark.AsString(v)
			g, err := winnt.ParseGUID(s)
			return nt.Cap(&g), err
		})
	default:
		return false, nil
	}
	return true, err
}

// handleFlags converts {"Inherit": …, "ProtectFromClose": …}, or the struct that NtQueryObject returned. A missing
// key of a dict is False. Another key, a struct without the fields, and a value of another type are errors. Any value
// counts by its truth.
func handleFlags(v starlark.Value) (c nt.Captured[nt.HandleFlagInformation], err error) {
	fields := map[string]starlark.Value{}
	switch v := v.(type) {
	case *starlark.Dict:
		fields, err = dictFields(v, "Inherit", "ProtectFromClose")
	case *starlarkstruct.Struct:
		if fields["Inherit"], err = v.Attr("Inherit"); err == nil {
			fields["ProtectFromClose"], err = v.Attr("ProtectFromClose")
		}
	default:
		err = fmt.Errorf("want {\"Inherit\": True, \"ProtectFromClose\": False}, got %s", v.Type())
	}
	if err != nil {
		return c, err
	}
	set := func(name string) bool { return fields[name] != nil && bool(fields[name].Truth()) }
	c.V = nt.HandleFlagInformation{Inherit: set("Inherit"), ProtectFromClose: set("ProtectFromClose")}
	return c, nil
}

// dictFields returns the entries of a dict. A key that is not among names is an error, so that a misspelled one does
// not count as missing.
func dictFields(d *starlark.Dict, names ...string) (map[string]starlark.Value, error) {
	fields := map[string]starlark.Value{}
	for _, item := range d.Items() {
		key, ok := starlark.AsString(item[0])
		if !ok || !slices.Contains(names, key) {
			last := len(names) - 1
			return nil, fmt.Errorf("no field %s: want %s or %s", item[0], strings.Join(names[:last], ", "), names[last])
		}
		fields[key] = item[1]
	}
	return fields, nil
}

// capturedSQOS converts the result of sqos(…) to a captured quality of service, with its status. None is a NULL
// pointer. Anything else is an error.
func capturedSQOS(v starlark.Value) (c nt.Captured[*nt.SecurityQualityOfService], err error) {
	switch v := v.(type) {
	case starlark.NoneType:
		return c, nil
	case *sqosValue:
		return nt.Captured[*nt.SecurityQualityOfService]{V: &v.q, Status: v.status}, nil
	}
	return c, fmt.Errorf("want sqos(…) or None, got %s", v.Type())
}

// securityPolicy implements security_policy: it sets EveryoneIncludesAnonymous in the kernel. It applies to later
// calls of all threads, and returns None.
func (r *Runner) securityPolicy(
	b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var everyone bool
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "EveryoneIncludesAnonymous", &everyone); err != nil {
		return nil, err
	}
	r.sys.SetEveryoneIncludesAnonymous(everyone)
	return starlark.None, nil
}

// packageDirectory implements package_directory: it creates the directory for the named objects of an AppContainer
// process and returns its path.
func (r *Runner) packageDirectory(
	b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var p *processValue
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "process", &p); err != nil {
		return nil, err
	}
	path, err := r.sys.MakePackageDirectory(p.p.Object().Token())
	return starlark.String(path), err
}
