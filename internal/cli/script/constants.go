package script

import (
	"fmt"

	"go.starlark.net/starlark"

	"github.com/refmon/refmon/internal/calltext"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

var flags = map[string]uint32{
	"JOB_OBJECT_SECURITY_NO_ADMIN":         winnt.JOB_OBJECT_SECURITY_NO_ADMIN,
	"JOB_OBJECT_SECURITY_RESTRICTED_TOKEN": winnt.JOB_OBJECT_SECURITY_RESTRICTED_TOKEN,
	"JOB_OBJECT_SECURITY_ONLY_TOKEN":       winnt.JOB_OBJECT_SECURITY_ONLY_TOKEN,
	"JOB_OBJECT_SECURITY_FILTER_TOKENS":    winnt.JOB_OBJECT_SECURITY_FILTER_TOKENS,
	"PROCESS_CREATE_FLAGS_INHERIT_HANDLES": winnt.PROCESS_CREATE_FLAGS_INHERIT_HANDLES,
	"THREAD_CREATE_FLAGS_CREATE_SUSPENDED": winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED,
	"CREATE_SUSPENDED":                     winnt.CREATE_SUSPENDED,
	"OBJ_PROTECT_CLOSE":                    winnt.OBJ_PROTECT_CLOSE, "OBJ_INHERIT": winnt.OBJ_INHERIT,
	"OBJ_AUDIT_OBJECT_CLOSE": winnt.OBJ_AUDIT_OBJECT_CLOSE, "OBJ_PERMANENT": winnt.OBJ_PERMANENT,
	"OBJ_EXCLUSIVE": winnt.OBJ_EXCLUSIVE, "OBJ_CASE_INSENSITIVE": winnt.OBJ_CASE_INSENSITIVE,
	"OBJ_OPENIF": winnt.OBJ_OPENIF, "OBJ_OPENLINK": winnt.OBJ_OPENLINK,
	"OBJ_KERNEL_HANDLE": winnt.OBJ_KERNEL_HANDLE, "OBJ_FORCE_ACCESS_CHECK": winnt.OBJ_FORCE_ACCESS_CHECK,
	"OBJ_DONT_REPARSE":       winnt.OBJ_DONT_REPARSE,
	"DUPLICATE_CLOSE_SOURCE": winnt.DUPLICATE_CLOSE_SOURCE, "DUPLICATE_SAME_ACCESS": winnt.DUPLICATE_SAME_ACCESS,
	"DUPLICATE_SAME_ATTRIBUTES":   winnt.DUPLICATE_SAME_ATTRIBUTES,
	"SE_GROUP_MANDATORY":          winnt.SE_GROUP_MANDATORY,
	"SE_GROUP_ENABLED_BY_DEFAULT": winnt.SE_GROUP_ENABLED_BY_DEFAULT,
	"SE_GROUP_ENABLED":            winnt.SE_GROUP_ENABLED,
	"SE_GROUP_OWNER":              winnt.SE_GROUP_OWNER, "SE_GROUP_USE_FOR_DENY_ONLY": winnt.SE_GROUP_USE_FOR_DENY_ONLY,
	"SE_GROUP_INTEGRITY":         winnt.SE_GROUP_INTEGRITY,
	"SE_GROUP_INTEGRITY_ENABLED": winnt.SE_GROUP_INTEGRITY_ENABLED, "SE_GROUP_RESOURCE": winnt.SE_GROUP_RESOURCE,
	"SE_GROUP_LOGON_ID":               winnt.SE_GROUP_LOGON_ID,
	"SE_PRIVILEGE_ENABLED_BY_DEFAULT": winnt.SE_PRIVILEGE_ENABLED_BY_DEFAULT,
	"SE_PRIVILEGE_ENABLED":            winnt.SE_PRIVILEGE_ENABLED,
	"SE_PRIVILEGE_REMOVED":            winnt.SE_PRIVILEGE_REMOVED,
	"SE_PRIVILEGE_USED_FOR_ACCESS":    winnt.SE_PRIVILEGE_USED_FOR_ACCESS,
	"AUDIT_ALLOW_NO_PRIVILEGE":        winnt.AUDIT_ALLOW_NO_PRIVILEGE,
	"FSCTL_PIPE_LISTEN":               winnt.FSCTL_PIPE_LISTEN, "FSCTL_PIPE_DISCONNECT": winnt.FSCTL_PIPE_DISCONNECT,
	"FSCTL_PIPE_IMPERSONATE": winnt.FSCTL_PIPE_IMPERSONATE, "FSCTL_PIPE_PEEK": winnt.FSCTL_PIPE_PEEK,
	"FILE_PIPE_DISCONNECTED_STATE": winnt.FILE_PIPE_DISCONNECTED_STATE,
	"FILE_PIPE_LISTENING_STATE":    winnt.FILE_PIPE_LISTENING_STATE,
	"FILE_PIPE_CONNECTED_STATE":    winnt.FILE_PIPE_CONNECTED_STATE,
	"FILE_PIPE_CLOSING_STATE":      winnt.FILE_PIPE_CLOSING_STATE, "FILE_PIPE_INBOUND": winnt.FILE_PIPE_INBOUND,
	"FILE_PIPE_OUTBOUND": winnt.FILE_PIPE_OUTBOUND, "FILE_PIPE_FULL_DUPLEX": winnt.FILE_PIPE_FULL_DUPLEX,
	"FILE_DEVICE_NAMED_PIPE": winnt.FILE_DEVICE_NAMED_PIPE, "FILE_DEVICE_DISK": winnt.FILE_DEVICE_DISK,
	"FILE_OPEN": winnt.FILE_OPEN, "FILE_CREATE": winnt.FILE_CREATE, "FILE_OPEN_IF": winnt.FILE_OPEN_IF,
	"FILE_PIPE_BYTE_STREAM_TYPE": winnt.FILE_PIPE_BYTE_STREAM_TYPE,
	"FILE_SHARE_READ":            winnt.FILE_SHARE_READ, "FILE_SHARE_WRITE": winnt.FILE_SHARE_WRITE,
	"FILE_PIPE_COMPLETE_OPERATION": winnt.FILE_PIPE_COMPLETE_OPERATION,
	"FILE_PIPE_MESSAGE_TYPE":       winnt.FILE_PIPE_MESSAGE_TYPE,
	"ThreadImpersonationToken":     5,
	"TokenElevationTypeDefault":    winnt.TokenElevationTypeDefault,
	"TokenElevationTypeFull":       winnt.TokenElevationTypeFull,
	"TokenElevationTypeLimited":    winnt.TokenElevationTypeLimited,
}

// Constants returns the documented names and their numbers, for bindings to other languages. They include statuses and
// privileges with their LUIDs. The caller owns the map.
func Constants() map[string]uint64 {
	all := map[string]uint64{}
	for name, v := range constants() {
		switch v := v.(type) {
		case named:
			all[name] = v.n
		case starlark.Int:
			if n, ok := v.Uint64(); ok {
				all[name] = n
			}
		}
	}
	for p := winnt.FirstPrivilege; p <= winnt.LastPrivilege; p++ {
		all[p.String()] = uint64(p)
	}
	return all
}

// constants returns the documented names for a program. Masks and flags are numbers. Enumerations and statuses are
// values that print as their names.
func constants() starlark.StringDict {
	env := starlark.StringDict{}
	for st, name := range ntstatus.All {
		env[name] = statusValue(st)
	}
	for name, m := range calltext.Rights {
		env[name] = starlark.MakeUint64(uint64(m))
	}
	for _, t := range []*winnt.ObjectType{winnt.FileObject, winnt.DirectoryFileObject, winnt.KeyObject,
		winnt.TokenObject, winnt.ProcessObject, winnt.ThreadObject,
		winnt.JobObject, winnt.DirectoryObject, winnt.SymbolicLinkObject, winnt.EventObject, winnt.PortObject,
		winnt.DirectoryServiceObject, winnt.MutantObject, winnt.SemaphoreObject, winnt.TimerObject,
		winnt.PolicyObject} {
		for _, r := range t.Rights {
			env[r.Name] = starlark.MakeUint64(uint64(r.Mask))
		}
	}
	for name, f := range flags {
		env[name] = starlark.MakeUint64(uint64(f))
	}
	addObjectConstants(env)
	addTokenConstants(env)
	addLogonConstants(env)
	for l := winnt.SecurityAnonymous; l <= winnt.SecurityDelegation; l++ {
		env[l.String()] = levelValue(l)
	}
	for _, t := range []winnt.TokenType{winnt.TokenPrimary, winnt.TokenImpersonation} {
		env[t.String()] = typeValue(t)
	}
	for _, m := range []kernel.ProcessorMode{kernel.KernelMode, kernel.UserMode} {
		env[m.String()] = named{"KPROCESSOR_MODE", uint64(m), m.String()}
	}
	for c := winnt.TokenInfoClass(1); c <= winnt.MaxTokenInfoClass; c++ {
		env[c.String()] = named{"TOKEN_INFORMATION_CLASS", uint64(c), c.String()}
	}
	for p := winnt.FirstPrivilege; p <= winnt.LastPrivilege; p++ {
		env[p.String()] = starlark.String(p.String())
	}
	for c, name := range win32.Codes {
		env[name] = codeValue(c)
	}
	env[nt.JobObjectSecurityLimitInformation.String()] = named{"JOBOBJECTINFOCLASS",
		uint64(nt.JobObjectSecurityLimitInformation), nt.JobObjectSecurityLimitInformation.String()}
	env[nt.ProcessAccessToken.String()] = named{"PROCESSINFOCLASS", uint64(nt.ProcessAccessToken),
		nt.ProcessAccessToken.String()}
	return env
}

// statusValue returns the Starlark constant of a status.
func statusValue(st ntstatus.Status) named { return named{"NTSTATUS", uint64(st), st.String()} }

// levelValue returns the Starlark constant of an impersonation level.
func levelValue(l winnt.SecurityImpersonationLevel) named {
	return named{"SECURITY_IMPERSONATION_LEVEL", uint64(l), l.String()}
}

// typeValue returns the Starlark constant of a token type.
func typeValue(t winnt.TokenType) named { return named{"TOKEN_TYPE", uint64(t), t.String()} }

// profileToken returns one of the built-in tokens. user is the SID of an administrator or user. The other profiles
// ignore it, but a malformed one is an error for every profile. An unknown name is an error.
func profileToken(name, user string) (starlark.Value, error) {
	u, err := sid.Resolve(user, sid.SID{})
	if err != nil {
		return nil, fmt.Errorf("token_profile: user: %w", err)
	}
	var spec token.Spec
	switch name {
	case "administrator":
		spec = token.Administrator(u)
	case "user":
		spec = token.StandardUser(u)
	case "system":
		spec = token.LocalSystem()
	case "anonymous":
		spec = token.Anonymous(false)
	case "local service":
		spec = token.LocalService()
	case "network service":
		spec = token.NetworkService()
	default:
		return nil, fmt.Errorf("token_profile: no profile %q: want administrator, user, system, anonymous, local "+
			"service or network service", name)
	}
	t, err := token.New(spec)
	if err != nil {
		return nil, err
	}
	return &tokenValue{t: t, name: "token_profile(" + name + ")"}, nil
}
