package web

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rsc.io/qr"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/config"
	"github.com/beforehand-go/beforehand/internal/language"
	"github.com/beforehand-go/beforehand/outbox"
	"github.com/beforehand-go/beforehand/token"
)

// Where the pages of accounts are.
const (
	SignInPath        = "/login"
	CodePath          = "/login/code"
	SignOutPath       = "/logout"
	JoinPath          = "/join/"
	SharePath         = "/share/"
	AccountPath       = "/account"
	AuthenticatorPath = "/account/authenticator"
	SitesPath         = "/account/sites"
	UsersPath         = "/account/users"
	SharesPath        = "/account/shares"
	TokensPath        = "/account/tokens"
	MessagesPath      = "/account/messages"
	LogPath           = "/account/log"
)

// AccountPage is what all pages of accounts have.
type AccountPage struct {
	pen
	Nav     Navigation
	Guessed bool     // nobody said where the server is reached: links lead to where the reader came from
	Pages   []string // paths of those that the reader may see
	Did     string   // what was done just now, by the name of its button; zero: nothing
	Wrong   error    // why it was not; nil: it was

	here string // the page's path
}

// NewAccountPage begins a page in a language and a zone.
func NewAccountPage(l language.Language, now time.Time, zone *time.Location) AccountPage {
	return AccountPage{pen: newPen(l, now, zone)}
}

// OfAccounts is a page of accounts: a pointer to Account, Authenticator, Users,
// Shares, Tokens, Log, Sites, EditedSite or Messages.
type OfAccounts interface {
	place() (path, template string)
	shared() *AccountPage
}

// WriteAccounts writes a page of accounts, with what all of them have.
func WriteAccounts(w io.Writer, page OfAccounts, all AccountPage) error {
	path, template := page.place()
	all.here = path
	*page.shared() = all
	return execute(w, template, page)
}

func (p *AccountPage) shared() *AccountPage { return p }

// Account is the page of somebody's own account.
type Account struct {
	AccountPage
	User     account.User
	Sessions []account.Session
	Session  string   // the ID of this one
	Codes    []string // to write down, just made; they are shown once
}

// Authenticator is the page on which an authenticator is made known.
type Authenticator struct {
	AccountPage
	Name   string
	Secret string
}

// Users is the page of users and invitations.
type Users struct {
	AccountPage
	Users       []account.User
	Me          string // the reader's name
	Invitations []account.Link
	Sites       []string // those that the reader decides for; account.Everywhere is one
	OwnsAll     bool     // the reader may also remove users and reset what they know
	Link        string   // just made; it is shown once
	LinkKind    account.LinkKind
	LinkFor     string // whose password it resets
}

// Shares is the page of share links.
type Shares struct {
	AccountPage
	Shares []account.Link
	Sites  []string
	Link   string // just made; it is shown once
}

// Tokens is the page of tokens.
type Tokens struct {
	AccountPage
	Tokens []token.Token
	Sites  []string
	Every  bool   // a token may be made for every site
	Secret string // just made; it is shown once
}

// Log is the page of who did what.
type Log struct {
	AccountPage
	Entries []account.Entry
	Rest    string // the key of the entry after which the next page begins; zero: this is the last
}

func (*Account) place() (path, template string)       { return AccountPath, "account.html" }
func (*Authenticator) place() (path, template string) { return AuthenticatorPath, "authenticator.html" }
func (*Users) place() (path, template string)         { return UsersPath, "users.html" }
func (*Shares) place() (path, template string)        { return SharesPath, "shares.html" }
func (*Tokens) place() (path, template string)        { return TokensPath, "tokens.html" }
func (*Log) place() (path, template string)           { return LogPath, "log.html" }

// Top is the head of the page.
func (p *AccountPage) Top() top { return top{p.pen, p.Nav} }

// Tabs are the links to the pages of accounts.
func (p *AccountPage) Tabs() []navLink {
	var all []navLink
	for _, path := range p.Pages {
		all = append(all, navLink{Link{p.title(path), p.To(path)}, path == p.here})
	}
	return all
}

// Title is what the page is called.
func (p *AccountPage) Title() string { return p.title(p.here) }

func (p *AccountPage) title(path string) string {
	return p.words[map[string]string{
		AccountPath: "account_title", AuthenticatorPath: "authenticator_title", UsersPath: "users_title",
		SitesPath: "sites_title", MessagesPath: "messages_title", SharesPath: "shares_title", TokensPath: "tokens_title", LogPath: "book_title",
	}[path]]
}

// To is the address of a page in the same language; Self is that of this page.
func (p *AccountPage) To(path string) string { return path + "?lang=" + p.Lang.String() }
func (p *AccountPage) Self() string          { return p.To(p.here) }

// DidWord says what was done just now.
func (p *AccountPage) DidWord() string {
	return p.words[map[string]string{
		"password": "did_password", "totp": "did_totp", "totp_off": "did_totp_off", "end": "did_end", "end_others": "did_end",
		"role": "did_role", "remove": "did_remove", "reset_totp": "did_reset_totp", "end_link": "did_end_link", "revoke": "did_revoke",
		"site": "did_site", "site_remove": "did_site_remove", "retry": "did_retry",
	}[p.Did]]
}

// WrongWord says why something was not done.
func (p *AccountPage) WrongWord() string { return Problem(p.Lang, p.Wrong) }

// problem is something that is told to people, and the sentence that tells it.
type problem struct {
	err  error
	word string
}

func problems() []problem {
	return []problem{
		{account.ErrRefused, "wrong_refused"},
		{account.ErrCode, "wrong_code"},
		{account.ErrNoLink, "wrong_link"},
		{account.ErrNotAllowed, "wrong_not_allowed"},
		{account.ErrExists, "wrong_exists"},
		{account.ErrLastOwner, "wrong_last_owner"},
		{account.ErrName, "wrong_name"},
		{account.ErrShort, "wrong_short"},
		{account.ErrLong, "wrong_long"},
		{account.ErrSimple, "wrong_simple"},
		{account.ErrNote, "wrong_note"},
		{account.ErrUnknown, "wrong_unknown"},
		{account.ErrChanged, "wrong_changed"},
		{account.ErrMany, "wrong_many"},
		{account.ErrRole, "wrong_role"},
		{account.ErrSignedOut, "wrong_signed_out"},
		{token.ErrExists, "wrong_token_exists"},
		{token.ErrUnknown, "wrong_unknown"},
		{token.ErrName, "wrong_token_name"},
		{token.ErrScope, "wrong_token_scope"},
		{account.ErrSiteExists, "wrong_site_exists"},
		{account.ErrNoSite, "wrong_no_site"},
		{account.ErrLastSite, "wrong_last_site"},
		{ErrNotTyped, "wrong_not_typed"},
		{outbox.ErrUnknown, "wrong_unknown"},
		{outbox.ErrSent, "wrong_sent"},
	}
}

// Known tells whether an error is one that people are told.
func Known(err error) bool {
	var wait *account.WaitError
	var term *config.TermError
	return errors.As(err, &wait) || errors.As(err, &term) || slices.ContainsFunc(problems(), func(p problem) bool { return errors.Is(err, p.err) })
}

// Problem is an error that people are told, in words; any other is none.
func Problem(l language.Language, err error) string {
	w := catalogues[l]
	var wait *account.WaitError
	if errors.As(err, &wait) {
		return fmt.Sprintf(w["wrong_wait"], w.span(max(wait.Wait.Round(time.Second), time.Second)))
	}
	var term *config.TermError
	if errors.As(err, &term) {
		return w[termWord(term.Key)]
	}
	for _, p := range problems() {
		if err != nil && errors.Is(err, p.err) {
			return w[p.word]
		}
	}
	return ""
}

// RoleWord is a role in a word.
func (p *AccountPage) RoleWord(r account.Role) string { return roleWord(p.words, r) }

func roleWord(w words, r account.Role) string {
	word, ok := w[map[account.Role]string{account.Viewer: "role_viewer", account.Editor: "role_editor", account.Owner: "role_owner"}[r]]
	if !ok { // one that only a newer version knows
		return string(r)
	}
	return word
}

// Roles are all roles, and SiteWord what a site is called among them.
func (p *AccountPage) Roles() []account.Role { return account.Roles() }

func (p *AccountPage) SiteWord(site string) string { return siteWord(p.words, site) }

func siteWord(w words, site string) string {
	if site == account.Everywhere {
		return w["role_everywhere"]
	}
	return site
}

// Scopes are what a token may be good for, and ScopeWord says it.
func (p *AccountPage) Scopes() []token.Scope { return token.Scopes() }

func (p *AccountPage) ScopeWord(s token.Scope) string {
	return p.words[map[token.Scope]string{
		token.PageviewsWrite: "scope_pageviews_write", token.StatsRead: "scope_stats_read",
		token.JobsRead: "scope_jobs_read", token.JobsWrite: "scope_jobs_write",
	}[s]]
}

// WhatWord says what somebody did.
func (p *AccountPage) WhatWord(what account.What) string {
	word, ok := p.words[whatWords()[what]]
	if !ok { // one that only a newer version knows
		return string(what)
	}
	return word
}

func whatWords() map[account.What]string {
	return map[account.What]string{
		account.SetUp: "what_set_up", account.SignedIn: "what_signed_in", account.SignInFailed: "what_sign_in_failed",
		account.SignedOut: "what_signed_out", account.SessionEnded: "what_session_ended", account.PasswordChanged: "what_password_changed",
		account.TOTPOn: "what_totp_on", account.TOTPOff: "what_totp_off", account.TOTPReset: "what_totp_reset", account.RecoveryUsed: "what_recovery_used",
		account.UserAdded: "what_user_added", account.UserRole: "what_user_role", account.UserRemoved: "what_user_removed",
		account.LinkMade: "what_link_made", account.LinkUsed: "what_link_used", account.LinkEnded: "what_link_ended",
		account.TokenMade: "what_token_made", account.TokenRevoked: "what_token_revoked", account.JobActed: "what_job_acted",
		account.SiteAdded: "what_site_added", account.SiteChanged: "what_site_changed", account.SiteRemoved: "what_site_removed",
		account.MessageRetried: "what_message_retried",
	}
}

// DetailWord is what else is known of an entry, in words where it has some.
func (p *AccountPage) DetailWord(e account.Entry) string {
	if e.What == account.UserRole && e.Detail == "" {
		return p.words["role_none"]
	}
	if kind, ok := map[string]string{
		string(account.Setup): "link_setup", string(account.Invitation): "link_invitation",
		string(account.Reset): "link_reset", string(account.Share): "link_share",
	}[e.Detail]; ok {
		return p.words[kind]
	}
	return roleWord(p.words, account.Role(e.Detail))
}

// RestURL is the further page.
func (v *Log) RestURL() string {
	return LogPath + "?" + url.Values{"lang": {v.Lang.String()}, "before": {v.Rest}}.Encode()
}

// Groups is a secret as it is typed, in groups of four.
func (v *Authenticator) Groups() string {
	var groups []string
	for text := v.Secret; text != ""; {
		n := min(4, len(text))
		groups, text = append(groups, text[:n]), text[n:]
	}
	return strings.Join(groups, " ")
}

// picture is a code that a camera reads: a path of squares in a view of Size.
type picture struct {
	Size int
	Path string
}

// QR is the secret as a picture for an authenticator.
func (v *Authenticator) QR() (picture, error) {
	code, err := qr.Encode(account.TOTPURL("beforehand", v.Name, v.Secret), qr.M)
	if err != nil {
		return picture{}, err
	}
	const quiet = 4 // squares around it
	var b strings.Builder
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	return picture{code.Size + 2*quiet, b.String()}, nil
}

// roleFields are the fields by which a role is chosen.
type roleFields struct {
	*AccountPage
	ID    string
	Sites []string
	None  bool // no role is one too
}

// Fields are those for a new user, FieldsOf those for the user at a place.
func (v *Users) Fields(id string) roleFields { return roleFields{&v.AccountPage, id, v.Sites, false} }

func (v *Users) FieldsOf(place int) roleFields {
	return roleFields{&v.AccountPage, "user-" + strconv.Itoa(place), v.Sites, true}
}

// LinkHeading says what the link is that was just made.
func (v *Users) LinkHeading() string {
	if v.LinkKind == account.Reset {
		return fmt.Sprintf(v.words["reset_made"], v.LinkFor)
	}
	return v.words["invitation_made"]
}

// Left is how many of the codes that were written down are still good.
func (v *Account) Left() int64 { return int64(len(v.User.Recovery)) }
