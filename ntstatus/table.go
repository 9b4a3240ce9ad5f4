package ntstatus

// Statuses that refmon's rules return, in ascending order (MS-ERREF 2.3.1).
const (
	Success                 Status = 0x00000000
	UserAPC                 Status = 0x000000C0
	Reparse                 Status = 0x00000104
	Timeout                 Status = 0x00000102
	Pending                 Status = 0x00000103
	NotAllAssigned          Status = 0x00000106
	MoreEntries             Status = 0x00000105
	SomeNotMapped           Status = 0x00000107
	ObjectNameExists        Status = 0x40000000
	DatatypeMisalignment    Status = 0x80000002
	BufferOverflow          Status = 0x80000005
	NoMoreFiles             Status = 0x80000006
	NoMoreEntries           Status = 0x8000001A
	StoppedOnSymlink        Status = 0x8000002D
	Unsuccessful            Status = 0xC0000001
	NotImplemented          Status = 0xC0000002
	InvalidInfoClass        Status = 0xC0000003
	InfoLengthMismatch      Status = 0xC0000004
	AccessViolation         Status = 0xC0000005
	InvalidHandle           Status = 0xC0000008
	InvalidCid              Status = 0xC000000B
	InvalidParameter        Status = 0xC000000D
	NoSuchFile              Status = 0xC000000F
	EndOfFile               Status = 0xC0000011
	NoMemory                Status = 0xC0000017
	AccessDenied            Status = 0xC0000022
	BufferTooSmall          Status = 0xC0000023
	ObjectTypeMismatch      Status = 0xC0000024
	InvalidParameterMix     Status = 0xC0000030
	ObjectNameInvalid       Status = 0xC0000033
	ObjectNameNotFound      Status = 0xC0000034
	ObjectNameCollision     Status = 0xC0000035
	PortMessageTooLong      Status = 0xC000002F
	PortConnectionRefused   Status = 0xC0000041
	PortDisconnected        Status = 0xC0000037
	ObjectPathInvalid       Status = 0xC0000039
	ObjectPathNotFound      Status = 0xC000003A
	ObjectPathSyntaxBad     Status = 0xC000003B
	InvalidPortHandle       Status = 0xC0000042
	SharingViolation        Status = 0xC0000043
	QuotaExceeded           Status = 0xC0000044
	MutantNotOwned          Status = 0xC0000046
	SemaphoreLimitExceeded  Status = 0xC0000047
	SuspendCountExceeded    Status = 0xC000004A
	ThreadIsTerminating     Status = 0xC000004B
	DeletePending           Status = 0xC0000056
	UnknownRevision         Status = 0xC0000058
	RevisionMismatch        Status = 0xC0000059
	InvalidOwner            Status = 0xC000005A
	InvalidPrimaryGroup     Status = 0xC000005B
	NoImpersonationToken    Status = 0xC000005C
	CantDisableMandatory    Status = 0xC000005D
	NoLogonServers          Status = 0xC000005E
	NoSuchLogonSession      Status = 0xC000005F
	NoSuchPrivilege         Status = 0xC0000060
	PrivilegeNotHeld        Status = 0xC0000061
	NoSuchUser              Status = 0xC0000064
	WrongPassword           Status = 0xC000006A
	LogonFailure            Status = 0xC000006D
	AccountRestriction      Status = 0xC000006E
	InvalidLogonHours       Status = 0xC000006F
	InvalidWorkstation      Status = 0xC0000070
	PasswordExpired         Status = 0xC0000071
	AccountDisabled         Status = 0xC0000072
	NoneMapped              Status = 0xC0000073
	InvalidACL              Status = 0xC0000077
	InvalidSID              Status = 0xC0000078
	InvalidSecurityDescr    Status = 0xC0000079
	NoToken                 Status = 0xC000007C
	DiskFull                Status = 0xC000007F
	AllottedSpaceExceeded   Status = 0xC0000099
	InsufficientResources   Status = 0xC000009A
	MediaWriteProtected     Status = 0xC00000A2
	BadImpersonationLevel   Status = 0xC00000A5
	CantOpenAnonymous       Status = 0xC00000A6
	BadValidationClass      Status = 0xC00000A7
	BadTokenType            Status = 0xC00000A8
	InstanceNotAvailable    Status = 0xC00000AB
	PipeNotAvailable        Status = 0xC00000AC
	InvalidPipeState        Status = 0xC00000AD
	PipeBusy                Status = 0xC00000AE
	IllegalFunction         Status = 0xC00000AF
	PipeDisconnected        Status = 0xC00000B0
	PipeClosing             Status = 0xC00000B1
	PipeConnected           Status = 0xC00000B2
	PipeListening           Status = 0xC00000B3
	InvalidReadMode         Status = 0xC00000B4
	IOTimeout               Status = 0xC00000B5
	FileIsADirectory        Status = 0xC00000BA
	NotSupported            Status = 0xC00000BB
	NotSameDevice           Status = 0xC00000D4
	NoSecurityOnObject      Status = 0xC00000D7
	GenericNotMapped        Status = 0xC00000E6
	BadDescriptorFormat     Status = 0xC00000E7
	InvalidParameter1       Status = 0xC00000EF
	InvalidParameter4       Status = 0xC00000F2
	InvalidParameter6       Status = 0xC00000F4
	NoSuchPackage           Status = 0xC00000FE
	DirectoryNotEmpty       Status = 0xC0000101
	NotADirectory           Status = 0xC0000103
	NameTooLong             Status = 0xC0000106
	ProcessIsTerminating    Status = 0xC000010A
	InvalidLogonType        Status = 0xC000010B
	CannotImpersonate       Status = 0xC000010D
	Cancelled               Status = 0xC0000120
	CannotDelete            Status = 0xC0000121
	TimeDifferenceAtDC      Status = 0xC0000133
	TokenAlreadyInUse       Status = 0xC000012B
	PipeBroken              Status = 0xC000014B
	TooManyContextIDs       Status = 0xC000015A
	LogonTypeNotGranted     Status = 0xC000015B
	TrustedDomainFailure    Status = 0xC000018C
	AccountExpired          Status = 0xC0000193
	NotSameObject           Status = 0xC00001AC
	ReplyMessageMismatch    Status = 0xC000021F
	PasswordMustChange      Status = 0xC0000224
	PipeEmpty               Status = 0xC00000D9
	TooManyOpenedFiles      Status = 0xC000011F
	IODeviceError           Status = 0xC0000185
	NotFound                Status = 0xC0000225
	AccountLockedOut        Status = 0xC0000234
	HandleNotClosable       Status = 0xC0000235
	AuditFailed             Status = 0xC0000244
	TooManyLinks            Status = 0xC0000265
	CantEnableDenyOnly      Status = 0xC00002B3
	MutualAuthFailed        Status = 0xC00002C3
	KDCUnknownEtype         Status = 0xC00002FD
	BadBindings             Status = 0xC000035B
	NTLMBlocked             Status = 0xC0000418
	ReparsePointEncountered Status = 0xC000050B
	FileTooLarge            Status = 0xC0000904
	InvalidStringUUID       Status = 0xC0020006
)

var table = []row{
	{Success, "STATUS_SUCCESS", 0},
	{Reparse, "STATUS_REPARSE", 741},
	{UserAPC, "STATUS_USER_APC", 737},
	{Timeout, "STATUS_TIMEOUT", 1460},
	{Pending, "STATUS_PENDING", 997},
	{NotAllAssigned, "STATUS_NOT_ALL_ASSIGNED", 1300},
	{MoreEntries, "STATUS_MORE_ENTRIES", 234},
	{SomeNotMapped, "STATUS_SOME_NOT_MAPPED", 1301},
	{ObjectNameExists, "STATUS_OBJECT_NAME_EXISTS", 183},
	{DatatypeMisalignment, "STATUS_DATATYPE_MISALIGNMENT", 998},
	{BufferOverflow, "STATUS_BUFFER_OVERFLOW", 234},
	{NoMoreFiles, "STATUS_NO_MORE_FILES", 18},
	{NoMoreEntries, "STATUS_NO_MORE_ENTRIES", 259},
	{StoppedOnSymlink, "STATUS_STOPPED_ON_SYMLINK", 681},
	{Unsuccessful, "STATUS_UNSUCCESSFUL", 31},
	{NotImplemented, "STATUS_NOT_IMPLEMENTED", 1},
	{InvalidInfoClass, "STATUS_INVALID_INFO_CLASS", 87},
	{InfoLengthMismatch, "STATUS_INFO_LENGTH_MISMATCH", 24},
	{AccessViolation, "STATUS_ACCESS_VIOLATION", 998},
	{InvalidHandle, "STATUS_INVALID_HANDLE", 6},
	{InvalidCid, "STATUS_INVALID_CID", 87},
	{InvalidParameter, "STATUS_INVALID_PARAMETER", 87},
	{NoSuchFile, "STATUS_NO_SUCH_FILE", 2},
	{EndOfFile, "STATUS_END_OF_FILE", 38},
	{NoMemory, "STATUS_NO_MEMORY", 8},
	{AccessDenied, "STATUS_ACCESS_DENIED", 5},
	{BufferTooSmall, "STATUS_BUFFER_TOO_SMALL", 122},
	{ObjectTypeMismatch, "STATUS_OBJECT_TYPE_MISMATCH", 6},
	{InvalidParameterMix, "STATUS_INVALID_PARAMETER_MIX", 87},
	{ObjectNameInvalid, "STATUS_OBJECT_NAME_INVALID", 123},
	{ObjectNameNotFound, "STATUS_OBJECT_NAME_NOT_FOUND", 2},
	{ObjectNameCollision, "STATUS_OBJECT_NAME_COLLISION", 183},
	{PortMessageTooLong, "STATUS_PORT_MESSAGE_TOO_LONG", 1},
	{PortConnectionRefused, "STATUS_PORT_CONNECTION_REFUSED", 5},
	{PortDisconnected, "STATUS_PORT_DISCONNECTED", 6},
	{ObjectPathInvalid, "STATUS_OBJECT_PATH_INVALID", 161},
	{ObjectPathNotFound, "STATUS_OBJECT_PATH_NOT_FOUND", 3},
	{ObjectPathSyntaxBad, "STATUS_OBJECT_PATH_SYNTAX_BAD", 161},
	{InvalidPortHandle, "STATUS_INVALID_PORT_HANDLE", 6},
	{SharingViolation, "STATUS_SHARING_VIOLATION", 32},
	{QuotaExceeded, "STATUS_QUOTA_EXCEEDED", 1816},
	{MutantNotOwned, "STATUS_MUTANT_NOT_OWNED", 288},
	{SemaphoreLimitExceeded, "STATUS_SEMAPHORE_LIMIT_EXCEEDED", 298},
	{SuspendCountExceeded, "STATUS_SUSPEND_COUNT_EXCEEDED", 156},
	{ThreadIsTerminating, "STATUS_THREAD_IS_TERMINATING", 5},
	{DeletePending, "STATUS_DELETE_PENDING", 303},
	{UnknownRevision, "STATUS_UNKNOWN_REVISION", 1305},
	{RevisionMismatch, "STATUS_REVISION_MISMATCH", 1306},
	{InvalidOwner, "STATUS_INVALID_OWNER", 1307},
	{InvalidPrimaryGroup, "STATUS_INVALID_PRIMARY_GROUP", 1308},
	{NoImpersonationToken, "STATUS_NO_IMPERSONATION_TOKEN", 1309},
	{CantDisableMandatory, "STATUS_CANT_DISABLE_MANDATORY", 1310},
	{NoLogonServers, "STATUS_NO_LOGON_SERVERS", 1311},
	{NoSuchLogonSession, "STATUS_NO_SUCH_LOGON_SESSION", 1312},
	{NoSuchPrivilege, "STATUS_NO_SUCH_PRIVILEGE", 1313},
	{PrivilegeNotHeld, "STATUS_PRIVILEGE_NOT_HELD", 1314},
	{NoSuchUser, "STATUS_NO_SUCH_USER", 1317},
	{WrongPassword, "STATUS_WRONG_PASSWORD", 86},
	{LogonFailure, "STATUS_LOGON_FAILURE", 1326},
	{AccountRestriction, "STATUS_ACCOUNT_RESTRICTION", 1327},
	{InvalidLogonHours, "STATUS_INVALID_LOGON_HOURS", 1328},
	{InvalidWorkstation, "STATUS_INVALID_WORKSTATION", 1329},
	{PasswordExpired, "STATUS_PASSWORD_EXPIRED", 1330},
	{AccountDisabled, "STATUS_ACCOUNT_DISABLED", 1331},
	{NoneMapped, "STATUS_NONE_MAPPED", 1332},
	{InvalidACL, "STATUS_INVALID_ACL", 1336},
	{InvalidSID, "STATUS_INVALID_SID", 1337},
	{InvalidSecurityDescr, "STATUS_INVALID_SECURITY_DESCR", 1338},
	{NoToken, "STATUS_NO_TOKEN", 1008},
	{DiskFull, "STATUS_DISK_FULL", 112},
	{AllottedSpaceExceeded, "STATUS_ALLOTTED_SPACE_EXCEEDED", 1344},
	{InsufficientResources, "STATUS_INSUFFICIENT_RESOURCES", 1450},
	{MediaWriteProtected, "STATUS_MEDIA_WRITE_PROTECTED", 19},
	{BadImpersonationLevel, "STATUS_BAD_IMPERSONATION_LEVEL", 1346},
	{CantOpenAnonymous, "STATUS_CANT_OPEN_ANONYMOUS", 1347},
	{BadValidationClass, "STATUS_BAD_VALIDATION_CLASS", 1348},
	{BadTokenType, "STATUS_BAD_TOKEN_TYPE", 1349},
	{InstanceNotAvailable, "STATUS_INSTANCE_NOT_AVAILABLE", 231},
	{PipeNotAvailable, "STATUS_PIPE_NOT_AVAILABLE", 231},
	{InvalidPipeState, "STATUS_INVALID_PIPE_STATE", 230},
	{PipeBusy, "STATUS_PIPE_BUSY", 231},
	{IllegalFunction, "STATUS_ILLEGAL_FUNCTION", 1},
	{PipeDisconnected, "STATUS_PIPE_DISCONNECTED", 233},
	{PipeClosing, "STATUS_PIPE_CLOSING", 232},
	{PipeConnected, "STATUS_PIPE_CONNECTED", 535},
	{PipeListening, "STATUS_PIPE_LISTENING", 536},
	{InvalidReadMode, "STATUS_INVALID_READ_MODE", 230},
	{IOTimeout, "STATUS_IO_TIMEOUT", 121},
	{FileIsADirectory, "STATUS_FILE_IS_A_DIRECTORY", 5},
	{NotSupported, "STATUS_NOT_SUPPORTED", 50},
	{NotSameDevice, "STATUS_NOT_SAME_DEVICE", 17},
	{NoSecurityOnObject, "STATUS_NO_SECURITY_ON_OBJECT", 1350},
	{GenericNotMapped, "STATUS_GENERIC_NOT_MAPPED", 1360},
	{BadDescriptorFormat, "STATUS_BAD_DESCRIPTOR_FORMAT", 1361},
	{InvalidParameter1, "STATUS_INVALID_PARAMETER_1", 87},
	{InvalidParameter4, "STATUS_INVALID_PARAMETER_4", 87},
	{InvalidParameter6, "STATUS_INVALID_PARAMETER_6", 87},
	{NoSuchPackage, "STATUS_NO_SUCH_PACKAGE", 1364},
	{DirectoryNotEmpty, "STATUS_DIRECTORY_NOT_EMPTY", 145},
	{NotADirectory, "STATUS_NOT_A_DIRECTORY", 267},
	{NameTooLong, "STATUS_NAME_TOO_LONG", 206},
	{ProcessIsTerminating, "STATUS_PROCESS_IS_TERMINATING", 5},
	{InvalidLogonType, "STATUS_INVALID_LOGON_TYPE", 1367},
	{CannotImpersonate, "STATUS_CANNOT_IMPERSONATE", 1368},
	{Cancelled, "STATUS_CANCELLED", 995},
	{CannotDelete, "STATUS_CANNOT_DELETE", 5},
	{TimeDifferenceAtDC, "STATUS_TIME_DIFFERENCE_AT_DC", 1398},
	{TokenAlreadyInUse, "STATUS_TOKEN_ALREADY_IN_USE", 1375},
	{PipeBroken, "STATUS_PIPE_BROKEN", 109},
	{TooManyContextIDs, "STATUS_TOO_MANY_CONTEXT_IDS", 1384},
	{LogonTypeNotGranted, "STATUS_LOGON_TYPE_NOT_GRANTED", 1385},
	{TrustedDomainFailure, "STATUS_TRUSTED_DOMAIN_FAILURE", 1788},
	{AccountExpired, "STATUS_ACCOUNT_EXPIRED", 1793},
	{NotSameObject, "STATUS_NOT_SAME_OBJECT", 1656},
	{ReplyMessageMismatch, "STATUS_REPLY_MESSAGE_MISMATCH", 317},
	{PasswordMustChange, "STATUS_PASSWORD_MUST_CHANGE", 1907},
	{PipeEmpty, "STATUS_PIPE_EMPTY", 232},
	{TooManyOpenedFiles, "STATUS_TOO_MANY_OPENED_FILES", 4},
	{IODeviceError, "STATUS_IO_DEVICE_ERROR", 1117},
	{NotFound, "STATUS_NOT_FOUND", 1168},
	{AccountLockedOut, "STATUS_ACCOUNT_LOCKED_OUT", 1909},
	{HandleNotClosable, "STATUS_HANDLE_NOT_CLOSABLE", 6},
	{AuditFailed, "STATUS_AUDIT_FAILED", 606},
	{TooManyLinks, "STATUS_TOO_MANY_LINKS", 1142},
	{CantEnableDenyOnly, "STATUS_CANT_ENABLE_DENY_ONLY", 629},
	{MutualAuthFailed, "STATUS_MUTUAL_AUTHENTICATION_FAILED", 1397},
	{KDCUnknownEtype, "STATUS_KDC_UNKNOWN_ETYPE", 0x80090342},
	{BadBindings, "STATUS_BAD_BINDINGS", 0x80090346},
	{NTLMBlocked, "STATUS_NTLM_BLOCKED", 1937},
	{ReparsePointEncountered, "STATUS_REPARSE_POINT_ENCOUNTERED", 4395},
	{FileTooLarge, "STATUS_FILE_TOO_LARGE", 223},
	{InvalidStringUUID, "RPC_NT_INVALID_STRING_UUID", 1705},
}
