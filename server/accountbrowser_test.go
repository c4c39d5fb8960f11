package server_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/beforehand-go/beforehand/account"
	"github.com/beforehand-go/beforehand/server"
)

// TestAccountsInABrowser uses the pages of accounts as somebody does whose browser
// runs no scripts, and holds them to a narrow window and large text.
func TestAccountsInABrowser(t *testing.T) {
	s := withAccounts(t, start(t, "shop"))
	addUser(t, s, "jo", account.Everywhere, account.Owner)
	addUser(t, s, "a.very.long.name.of.somebody@department.example.org", "shop", account.Editor)
	b := browse(t, s)
	scripts := func(off bool) {
		if _, err := chromedp.Call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off}); err != nil {
			t.Fatal(err)
		}
	}
	barsNobody := func(what string) {
		scripts(false)
		b.barsNobody(what)
		scripts(true)
	}
	scripts(true)
	b.open("/account/users")
	b.says("h1", "Sign in")
	b.Run(chromedp.SendKeys("#name", "jo"), chromedp.SendKeys("#password", password), chromedp.Click("button"))
	b.says("h1", "Users")
	b.click(`button[value="invite"]`)
	b.says(".once", "/join/")
	barsNobody("a link that was made")
	b.click(".people > li:first-child summary")
	b.click(`.people > li:first-child button[value="role"]`)
	b.says(".did", "The role is changed")
	b.open("/account/tokens")
	b.Run(chromedp.SendKeys("#name", "ci"))
	b.click(`input[value="stats:read"]`)
	b.click(`button[value="token"]`)
	b.says(".once", "beforehand_")
	b.open("/account/shares")
	b.Run(chromedp.SendKeys("#note", "for all"))
	b.click(`button[value="share"]`)
	b.says(".once", "/share/")
	b.open("/account/sites")
	b.Run(chromedp.SendKeys("#name", "wiki"), chromedp.SendKeys("#hosts", "https://wiki.example"))
	b.click(`button[value="site"]`)
	b.says("[role=alert]", "That is no host name")
	barsNobody("what went wrong")
	b.Run(chromedp.Clear("#hosts"), chromedp.SendKeys("#hosts", "wiki.example"))
	b.click(`button[value="site"]`)
	b.says("body", "There is no such site") // where it would be told how to count it, were it served
	b.open("/account/sites/wiki")
	b.Run(chromedp.SendKeys("#title", "The wiki"))
	b.click(`button[value="site"]`)
	b.says(".did", "The site is changed")
	b.open("/account/sites/wiki?remove=")
	b.Run(chromedp.SendKeys("#name", "blog"))
	b.click(`button[value="site_remove"]`)
	b.says("[role=alert]", "Nothing is deleted")
	scripts(false)

	b.fits("/account/sites", "/account/sites/wiki", "/account/sites/wiki?remove=", "/account/messages")
	b.fits("/account", "/account/users", "/account/shares", "/account/tokens", "/account/log", "/account/authenticator")
	for _, path := range []string{"/account/users", "/account/tokens"} {
		b.open(path)
		b.is("document.querySelectorAll('details').forEach(d => d.open = true)")
		if !b.is("document.documentElement.scrollWidth <= document.documentElement.clientWidth") {
			t.Errorf("%s is wider than the window when all is open", path)
		}
	}
	b.open("/account")
	b.click(`form[action^="/logout"] button`)
	b.says("h1", "Sign in")
	b.doors(s)
	refused := func(line string) bool {
		return strings.Contains(line, "status of 422") || strings.Contains(line, "status of 404")
	}
	if said := slices.DeleteFunc(b.Said(), refused); len(said) > 0 {
		t.Errorf("the console said %q", said)
	}
	if host := b.url[len("http://"):]; !slices.Equal(b.Hosts(), []string{host}) {
		t.Errorf("it asked %q, not only %s", b.Hosts(), host)
	}
}

// doors holds the pages on which somebody says who they are to what others are
// held to. Jo has an authenticator then.
func (b *browser) doors(s *server.Server) {
	b.t.Helper()
	ctx, console := b.t.Context(), account.Actor{}
	invitation, err1 := s.Accounts.Invite(ctx, console, "shop", account.Viewer)
	reset, err2 := s.Accounts.ResetLink(ctx, console, "jo")
	share, err3 := s.Accounts.ShareLink(ctx, console, "shop", "for few", password)
	jo, err4 := s.Accounts.User(ctx, "jo")
	authenticator := account.NewTOTP()
	_, _, err5 := s.Accounts.TurnOnTOTP(ctx, account.Actor{User: &jo}, password, authenticator, account.TOTPCode(authenticator, time.Now()))
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		b.t.Fatal(err)
	}
	b.open("/account/users?lang=zh")
	b.says("h1", "登录")
	b.Run(chromedp.SendKeys("#name", "jo"), chromedp.SendKeys("#password", password), chromedp.Click("button"))
	b.says("h1", "验证码")
	b.fits("/login", "/login/code", "/join/"+invitation, "/join/"+reset, "/share/"+share, "/join/none")
}
