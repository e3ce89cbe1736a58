-- Run by e2e_test.go: nvim --headless -u NONE with the variables REFIT
-- (the binary) and FILE (a Dockerfile to edit), and refit.lua on the path.
-- Prints "ok" and exits with 0, or the failure and exits with 1.

local file = vim.env.FILE

local function check(ok, message)
  if not ok then
    error(message, 2)
  end
end

local function lines(text)
  return vim.split(text, "\n", { plain = true })
end

local function buffer()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n") .. "\n"
end

local function on_disk()
  local f = assert(io.open(file, "rb"))
  local text = f:read("*a")
  f:close()
  return text
end

local function wait_for(what, condition)
  check(vim.wait(20000, condition, 10), "waited in vain for " .. what)
end

local function equal(got, want, what)
  check(vim.deep_equal(got, want), what .. ":\ngot  " .. vim.inspect(got) .. "\nwant " .. vim.inspect(want))
end

local before = on_disk()

local formatted = [[
FROM debian:12-slim AS base
# a whale: 🐳
RUN echo one
RUN echo two \
    && echo 日本
COPY --from=base /a /b
CMD ["python3", "/app.py"]
ENV A=1
ENV B=2
]]

local function test()
  local refit = require("refit")
  refit.setup({ cmd = { vim.env.REFIT, "lsp" }, timeout_ms = 20000 })

  vim.cmd("edit " .. vim.fn.fnameescape(file))
  vim.bo.filetype = "dockerfile"
  wait_for("the client", function()
    local c = refit.client()
    return c and c.initialized
  end)

  -- Diagnostics.
  wait_for("diagnostics", function()
    return #vim.diagnostic.get(0) > 0
  end)
  local codes = {}
  for _, d in ipairs(vim.diagnostic.get(0)) do
    codes[d.code or (d.user_data and d.user_data.lsp.code)] = d
  end
  check(codes["merge-run"], "no merge-run among " .. vim.inspect(codes))

  -- Writing formats; the cursor stays on its word, folds stay.
  vim.wo.foldmethod = "manual"
  vim.cmd("7,8fold")
  vim.api.nvim_win_set_cursor(0, { 6, string.find(lines(before)[6], "app", 1, true) - 1 })
  vim.cmd("silent write")
  equal(on_disk(), formatted, "the file after a write")
  equal(buffer(), formatted, "the buffer after a write")
  local pos = vim.api.nvim_win_get_cursor(0)
  local line = lines(formatted)[pos[1]]
  equal(line:sub(pos[2] + 1, pos[2] + 3), "app", "the text at the cursor")
  equal({ vim.fn.foldclosed(9), vim.fn.foldclosedend(9) }, { 8, 9 }, "the fold of the two ENV")

  -- Writing again changes nothing.
  local tick = vim.b.changedtick
  vim.cmd("silent write")
  equal(vim.b.changedtick, tick, "changes by a second write")

  -- Undo gives the text that was typed, in one step.
  vim.cmd("silent undo")
  equal(buffer(), before, "the buffer after undo")
  vim.cmd("silent redo")
  equal(buffer(), formatted, "the buffer after redo")

  -- A code action, through Neovim's own command and menu.
  local offered = {}
  vim.ui.select = function(items, _, on_choice)
    for _, item in ipairs(items) do
      local action = item.action or item[2]
      table.insert(offered, action.title)
      if action.title:match("^Merge 2 RUN") then
        return on_choice(item)
      end
    end
    on_choice(nil)
  end
  vim.api.nvim_win_set_cursor(0, { 3, 0 })
  vim.lsp.buf.code_action()
  wait_for("the code action", function()
    return buffer() ~= formatted or (#offered > 0 and not vim.tbl_contains(offered, "Merge 2 RUN instructions"))
  end)
  check(vim.tbl_contains(offered, "Merge 2 RUN instructions"), "offered: " .. vim.inspect(offered))
  local _, runs = buffer():gsub("RUN ", "")
  equal(runs, 1, "the number of RUNs in " .. buffer())
  check(buffer():find("日本", 1, true), "text got lost: " .. buffer())

  -- Hover answers.
  local hover = vim.lsp.buf_request_sync(0, "textDocument/hover", vim.lsp.util.make_position_params(), 20000)
  local _, answer = next(hover)
  check(answer.result.contents.value:find("RUN", 1, true), "hover: " .. vim.inspect(answer))

  -- A file with a syntax error keeps its text.
  vim.api.nvim_buf_set_lines(0, 2, 3, false, { "RUNN   echo one" })
  local broken = buffer()
  vim.cmd("silent write")
  equal(on_disk(), broken, "a file with a syntax error after a write")
  wait_for("the syntax error", function()
    local d = vim.diagnostic.get(0, { severity = vim.diagnostic.severity.ERROR })
    return #d == 1 and d[1].lnum == 2
  end)

  -- All safe changes.
  vim.api.nvim_buf_set_lines(0, 0, -1, false, { "FROM debian:12", "ADD a /b/", "RUN apt-get update && apt-get install -y curl" })
  refit.fix_all()
  check(buffer():find("COPY a /b/", 1, true), "after fixing all: " .. buffer())
  check(buffer():find("rm -rf /var/lib/apt/lists", 1, true), "after fixing all: " .. buffer())
end

local ok, err = xpcall(test, debug.traceback)
io.stdout:write(ok and "ok\n" or (tostring(err) .. "\n"))
vim.lsp.stop_client(vim.lsp.get_active_clients())
vim.wait(5000, function()
  return #vim.lsp.get_active_clients() == 0
end, 10)
vim.cmd(ok and "qall!" or "cquit!")
