package access

// cause is the number of an explanation's sentence: why an ACE or a stage of the check had its effect. The table
// causes has the sentences. The zero value, matched, means that the ACE applies.
type cause uint8

const (
	matched cause = iota
	// entries that do nothing
	inheritOnly
	settled
	userMissed
	userNotAllow
	userDisabled
	restrictedMissed
	packageMissed
	serverMissed
	systemType
	unknownType
	noTree
	notInTree
	claimsDisabled
	opaqueCondition
	conditionFalse
	conditionUnknown
	// entries that decide
	allowed
	allowedNode
	deniedNeeded
	deniedMaximum
	deniedNode
	restrictedAllowed
	restrictedDenied
	packageAllowed
	packageDenied
	// ends of a pass
	nothingGranted
	emptyList
	restrictedLost
	packageLost
	ruleLost
	// stages
	kernelMode
	noDescriptor
	levelTooLow
	nothingAsked
	previousOnly
	badList
	securityHeld
	securityMissing
	intentHeld
	ownershipHeld
	trustLimit
	filterLimit
	integrityLimit
	ownerHas
	ownerReplaced
	ownerRestricted
	nullList
	nullForPackage
	ruleNotApplicable
	noneLeft
)

// causes has the rule and a sentence for each cause.
//
// A cause is a number while the walk runs: it costs nothing to note, and a walk
// without a tracer never touches the sentences. The order within a group is
// free; the groups follow the stages of a check.
var causes = [...]struct{ rule, because string }{
	matched:          {"A-70", "it applies"},
	inheritOnly:      {"A-70", "it is inherit-only: meant for children, not for this object"},
	settled:          {"A-71", "its rights were decided before or not requested, so it changes nothing"},
	userMissed:       {"A-1", "its SID is neither the user nor a group of the token"},
	userNotAllow:     {"A-1", "its SID is in the token, but disabled or for deny only"},
	userDisabled:     {"A-2", "its SID is in the token, but disabled"},
	restrictedMissed: {"A-4", "its SID is not among the restricting SIDs"},
	packageMissed:    {"A-94", "its SID is not the package's, nor a capability, nor that of all packages"},
	serverMissed:     {"A-70", "the server SID of this compound entry is not in the primary token"},
	systemType:       {"A-70", "this type of entry belongs into a SACL and decides nothing here"},
	unknownType:      {"A-70", "this type of entry is unknown and decides nothing"},
	noTree:           {"A-80", "it allows rights on one object type, and no object type list was given"},
	notInTree:        {"A-81", "its object type is not in the object type list"},
	claimsDisabled:   {"A-73", "callback entries are switched off"},
	opaqueCondition:  {"A-72", "it carries data that is not a condition, and no callback vouched for it"},
	conditionFalse:   {"A-70", "its condition is false"},
	conditionUnknown: {"A-70", "its condition cannot be decided, which allows nothing"},

	// "them" are the bits of the step that contains the sentence.
	allowed:           {"A-70", "it allows them, and nothing before it decided them"},
	allowedNode:       {"A-82", "it allows them at a node of the object tree and below it"},
	deniedNeeded:      {"A-70", "it denies a right that is still needed, so no later entry counts"},
	deniedMaximum:     {"A-41", "it denies them, and nothing before it granted them"},
	deniedNode:        {"A-83", "it denies them at a node of the object tree"},
	restrictedAllowed: {"A-90", "it allows them to a restricting SID"},
	restrictedDenied:  {"A-92", "it denies them to a restricting SID"},
	packageAllowed:    {"A-94", "it allows them to the package, a capability or all packages"},
	packageDenied:     {"A-94", "it denies them to the package, a capability or all packages"},

	nothingGranted: {"A-40", "no entry allows them"},
	emptyList:      {"A-43", "the DACL is empty, which grants nothing"},
	restrictedLost: {"A-90", "no entry allows them to a restricting SID"},
	packageLost:    {"A-95", "no entry allows them to the package, a capability or all packages"},
	ruleLost:       {"A-101", "the central access rule does not grant them"},

	// Stages before the DACL, or independent of it, in this order.
	kernelMode:        {"A-31", "the caller is kernel mode, where nothing is checked"},
	noDescriptor:      {"A-32", "there is no security descriptor to check against"},
	levelTooLow:       {"A-30", "the client is impersonated below SecurityImpersonation"},
	nothingAsked:      {"A-33", "it requests no right of this type"},
	previousOnly:      {"A-35", "they were granted before and are not checked again"},
	badList:           {"A-25", "the object type list is not a tree in preorder"},
	securityHeld:      {"A-50", "SeSecurityPrivilege is enabled"},
	securityMissing:   {"A-50", "ACCESS_SYSTEM_SECURITY needs SeSecurityPrivilege, which is not enabled"},
	intentHeld:        {"A-54", "the intent was declared and its privilege is enabled: "},
	ownershipHeld:     {"A-51", "WRITE_OWNER comes from an enabled privilege: "},
	trustLimit:        {"A-64", "the token does not dominate the trust label, which leaves only its mask"},
	filterLimit:       {"A-65", "the condition of the access filter is not true, which leaves only its mask"},
	integrityLimit:    {"A-62", "the token's integrity is below the object's, whose label forbids them"},
	ownerHas:          {"A-56", "the token holds the owner, who has them without any entry"},
	ownerReplaced:     {"A-56", "an entry for OWNER RIGHTS takes the place of the owner's implicit rights"},
	ownerRestricted:   {"A-56", "the owner is not among the restricting SIDs, so the token has no owner's rights"},
	nullList:          {"A-42", "there is no DACL, which grants everything"},
	nullForPackage:    {"A-96", "without a DACL an AppContainer is granted nothing"},
	ruleNotApplicable: {"A-101", "the resource condition of this central access rule is not true"},
	noneLeft:          {"A-40", "nothing is left for the DACL to decide"},
}
