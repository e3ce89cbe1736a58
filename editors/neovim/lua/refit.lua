-- refit in Neovim's built-in LSP client, from Neovim 0.7 on:
--
--   require("refit").setup({})
--
-- Put this folder on the runtimepath (a plugin manager does it), or copy the
-- file to ~/.config/nvim/lua/refit.lua. See README.md beside it for Neovim
-- 0.11's vim.lsp.config and for conform.nvim.

local M = {}

local defaults = {
  cmd = { "refit", "lsp" },
  filetypes = { "dockerfile" },
  root_markers = { ".refit.toml", ".git" },
  format_on_save = true, -- format when a buffer is written
  fix_on_save = false, -- also make all safe changes then
  timeout_ms = 2000, -- how long a write waits for refit
  settings = {}, -- select, ignore, context, width, indent, tabs, operators, cacheNeutral, diagnostics
}

local options = defaults
local clients = {} -- ids by root folder, where vim.lsp.start does not exist

local function root_of(bufnr)
  local name = vim.api.nvim_buf_get_name(bufnr)
  local dir = vim.fn.fnamemodify(name ~= "" and name or vim.fn.getcwd(), name ~= "" and ":p:h" or ":p")
  for _, marker in ipairs(options.root_markers) do
    local found = vim.fn.findfile(marker, dir .. ";")
    if found == "" then
      found = vim.fn.finddir(marker, dir .. ";")
    end
    if found ~= "" then
      return vim.fn.fnamemodify(found, ":p"):gsub("/+$", ""):gsub("/[^/]*$", "")
    end
  end
  return dir
end

local function config(bufnr)
  return {
    name = "refit",
    cmd = options.cmd,
    root_dir = root_of(bufnr),
    init_options = next(options.settings) and options.settings or nil,
    settings = { refit = next(options.settings) and options.settings or nil },
  }
end

-- The client of a buffer, or nil.
function M.client(bufnr)
  bufnr = bufnr or vim.api.nvim_get_current_buf()
  local list = vim.lsp.get_clients and vim.lsp.get_clients({ bufnr = bufnr })
    or vim.tbl_values(vim.lsp.buf_get_clients(bufnr))
  for _, c in ipairs(list) do
    if c.name == "refit" then
      return c
    end
  end
end

function M.attach(bufnr)
  bufnr = bufnr or vim.api.nvim_get_current_buf()
  if vim.bo[bufnr].buftype ~= "" or M.client(bufnr) then
    return
  end
  local conf = config(bufnr)
  if vim.lsp.start then
    vim.api.nvim_buf_call(bufnr, function()
      vim.lsp.start(conf)
    end)
    return
  end
  local id = clients[conf.root_dir]
  if not id or vim.lsp.client_is_stopped(id) then
    id = vim.lsp.start_client(conf)
    clients[conf.root_dir] = id
  end
  if id then
    vim.lsp.buf_attach_client(bufnr, id)
  end
end

-- One request to refit, waiting for the answer; nil if there is none.
local function ask(client, method, params, bufnr)
  local answer = client.request_sync(method, params, options.timeout_ms, bufnr)
  if not answer then
    vim.notify("refit: no answer to " .. method, vim.log.levels.WARN)
  elseif answer.err then
    vim.notify("refit: " .. tostring(answer.err.message), vim.log.levels.WARN)
  else
    return answer.result
  end
end

local function apply_action(client, action, bufnr)
  if not action.edit and action.data then
    action = ask(client, "codeAction/resolve", action, bufnr)
  end
  if action and action.edit then
    vim.lsp.util.apply_workspace_edit(action.edit, client.offset_encoding)
  end
end

-- Formats a buffer and waits for it.
function M.format(bufnr)
  bufnr = bufnr or vim.api.nvim_get_current_buf()
  local client = M.client(bufnr)
  if not client or not client.initialized then
    return
  end
  local params = vim.lsp.util.make_formatting_params({})
  params.textDocument = { uri = vim.uri_from_bufnr(bufnr) }
  local edits = ask(client, "textDocument/formatting", params, bufnr)
  if edits and #edits > 0 then
    vim.lsp.util.apply_text_edits(edits, bufnr, client.offset_encoding)
  end
end

-- Makes all safe changes in a buffer and waits for it.
function M.fix_all(bufnr)
  bufnr = bufnr or vim.api.nvim_get_current_buf()
  local client = M.client(bufnr)
  if not client or not client.initialized then
    return
  end
  local actions = ask(client, "textDocument/codeAction", {
    textDocument = { uri = vim.uri_from_bufnr(bufnr) },
    range = { start = { line = 0, character = 0 }, ["end"] = { line = 0, character = 0 } },
    context = { diagnostics = {}, only = { "source.fixAll.refit" } },
  }, bufnr)
  for _, action in ipairs(actions or {}) do
    apply_action(client, action, bufnr)
  end
end

function M.setup(opts)
  options = vim.tbl_extend("force", defaults, opts or {})
  local group = vim.api.nvim_create_augroup("refit", { clear = true })
  vim.api.nvim_create_autocmd("FileType", {
    group = group,
    pattern = options.filetypes,
    callback = function(args)
      M.attach(args.buf)
    end,
  })
  vim.api.nvim_create_autocmd("BufWritePre", {
    group = group,
    callback = function(args)
      if options.fix_on_save then
        M.fix_all(args.buf)
      end
      if options.format_on_save then
        M.format(args.buf)
      end
    end,
  })
  vim.api.nvim_create_user_command("RefitFixAll", function()
    M.fix_all()
  end, { desc = "Make all safe changes of refit" })
  for _, bufnr in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(bufnr) and vim.tbl_contains(options.filetypes, vim.bo[bufnr].filetype) then
      M.attach(bufnr)
    end
  end
end

return M
